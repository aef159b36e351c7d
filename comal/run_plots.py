"""A run's plots, drawn from its record: for its report, its comparison with another, and the experiment tracker."""

from dataclasses import dataclass
from itertools import accumulate

from comal.charts import Dot, Series, intervals, swarm, xy
from comal.recipe import HIGHER_IS_BETTER
from comal.run_record import Line, RunRecord, Swarm

# Rows of a chart with a row a feature; the rest matters less.
_FEATURES = 12


@dataclass(frozen=True)
class Plot:
    """A chart.

    Attributes:
        name: Its file's, without a suffix.
        title: What it is called on a page.
        note: How to read it.
        svg: The chart (comal.charts).
    """

    name: str
    title: str
    note: str
    svg: str


def plots_of(record: RunRecord) -> list[Plot]:
    """Every plot that the record has rows for, the same order for every run."""
    drawn = [
        _search(record),
        _curve(record),
        *(_classification(record) if record.task != "regression" else _regression(record)),
        _importance(record),
        *_contributions(record),
    ]
    return [plot for plot in drawn if plot.svg]


def _search(record: RunRecord) -> Plot:
    board = record.search
    scored = sorted((one.number, one.score) for one in board.trials if one.score is not None) if board else []
    numbers, scores = [number for number, _ in scored], [score for _, score in scored]
    better = max if record.metric in HIGHER_IS_BETTER else min
    series = [
        Series("trials", numbers, scores, joined=False),
        Series("best so far", numbers, list(accumulate(scores, better))),
    ]
    return Plot(
        "search",
        "Search",
        "The score of each trial on the folds of the training rows; the first is the recipe as it was.",
        xy("score by trial", "trial", record.metric, series if scored else []),
    )


def _curve(record: RunRecord) -> Plot:
    curve = record.curve
    series = (
        [Series("training", curve.rounds, curve.training), Series("held out", curve.rounds, curve.held_out)]
        if curve
        else []
    )
    return Plot(
        "learning_curve",
        "Learning curve",
        "The metric after so many rounds. Held-out rows that get worse while training rows get better: fewer rounds.",
        xy("metric by round", "rounds", record.metric, series),
    )


def _classification(record: RunRecord) -> list[Plot]:
    plots = record.plots
    return [
        Plot(
            "roc",
            "ROC",
            "How many are found at the price of how many false alarms; the dashed line is guessing.",
            xy("ROC", "false positive rate", "true positive rate", _lines(plots.roc), guide="diagonal"),
        ),
        Plot(
            "precision_recall",
            "Precision and recall",
            "How many of those named are right, by how many are found.",
            xy("precision and recall", "recall", "precision", _lines(plots.precision_recall)),
        ),
        Plot(
            "calibration",
            "Calibration",
            "On the dashed line a probability comes true as often as it says.",
            xy(
                "calibration",
                "predicted probability",
                "share that came true",
                _lines(plots.calibration),
                guide="diagonal",
            ),
        ),
    ]


def _regression(record: RunRecord) -> list[Plot]:
    predicted, actual = record.plots.predicted, record.plots.actual
    residuals = [one - other for one, other in zip(actual, predicted, strict=True)]
    return [
        Plot(
            "predicted_and_actual",
            "Predicted and actual",
            "Held-out rows; on the dashed line the prediction is right.",
            xy(
                f"{record.target}: predicted and actual",
                "predicted",
                "actual",
                [Series("rows", predicted, actual, joined=False)],
                guide="diagonal",
            ),
        ),
        Plot(
            "residuals",
            "Residuals",
            "What was so minus what was predicted; a bend or a funnel is something that the model has not learnt.",
            xy(
                f"{record.target}: residuals",
                "predicted",
                "residual",
                [Series("rows", predicted, residuals, joined=False)],
                guide="zero",
            ),
        ),
    ]


def _importance(record: RunRecord) -> Plot:
    rows = [(one.feature, one.value, one.low, one.high) for one in record.plots.importance[:_FEATURES]]
    return Plot(
        "importance",
        "Importance",
        f"By how much {record.metric} gets worse when a feature's values are shuffled, with its 95 % interval.",
        intervals("importance of features", f"{record.metric} lost when shuffled", rows),
    )


def _contributions(record: RunRecord) -> list[Plot]:
    """A plot for each output: one, or as many as there are classes."""
    swarms, adds_up_to = record.plots.swarms, record.plots.adds_up_to.replace("_", " ")
    outputs = list(dict.fromkeys(one.output for one in swarms))
    return [
        _contributions_to(
            f"contributions_{number}" if output else "contributions",
            f"{adds_up_to.removesuffix('s')} of {output}" if output else adds_up_to,
            [one for one in swarms if one.output == output][:_FEATURES],
        )
        for number, output in enumerate(outputs, start=1)
    ]


def _contributions_to(name: str, sum_: str, swarms: list[Swarm]) -> Plot:
    rows = [
        (one.feature, [Dot(value, rank) for value, rank in zip(one.contributions, one.ranks, strict=True)])
        for one in swarms
    ]
    return Plot(
        name,
        "Contributions",
        f"What each feature adds to the {sum_} of a row (SHAP values); low values of the feature are blue, high ones "
        "orange.",
        swarm("contributions of features", f"added to the {sum_}", rows),
    )


def _lines(lines: list[Line]) -> list[Series]:
    return [Series(line.name, line.x, line.y) for line in lines]
