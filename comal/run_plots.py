"""A run's plots, drawn from its record: for its report, its comparison with another, and the experiment tracker."""

from dataclasses import dataclass
from itertools import accumulate

from comal.charts import Bar, Dot, Dots, Series, intervals, swarm, xy
from comal.recipe_metrics import HIGHER_IS_BETTER
from comal.run_record import Line, Plots, RunRecord

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


def plots_of(record: RunRecord, beside: RunRecord | None = None) -> list[Plot]:
    """Every plot that the record has rows for, the same order for every run.

    Args:
        record: Of the run.
        beside: Of the run that it is compared with: both get the same axes.
    """
    drawn = [
        _search(record),
        _curve(record, beside),
        *(_classification(record, beside) if record.task != "regression" else _regression(record, beside)),
        _importance(record, beside),
        *_contributions(record, beside),
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


def _curve(record: RunRecord, beside: RunRecord | None) -> Plot:
    return Plot(
        "learning_curve",
        "Learning curve",
        "The metric after so many rounds. Held-out rows that get worse while training rows get better: fewer rounds.",
        xy("metric by round", "rounds", record.metric, _rounds(record), beside=_rounds(beside)),
    )


def _rounds(record: RunRecord | None) -> list[Series]:
    if record is None or record.curve is None:
        return []
    curve = record.curve
    return [Series("training", curve.rounds, curve.training), Series("held out", curve.rounds, curve.held_out)]


def _classification(record: RunRecord, beside: RunRecord | None) -> list[Plot]:
    plots, other = record.plots, beside.plots if beside else Plots()
    return [
        Plot(
            "roc",
            "ROC",
            "How many are found at the price of how many false alarms; the dashed line is guessing.",
            xy(
                "ROC",
                "false positive rate",
                "true positive rate",
                _lines(plots.roc),
                guide="diagonal",
                beside=_lines(other.roc),
            ),
        ),
        Plot(
            "precision_recall",
            "Precision and recall",
            "How many of those named are right, by how many are found.",
            xy(
                "precision and recall",
                "recall",
                "precision",
                _lines(plots.precision_recall),
                beside=_lines(other.precision_recall),
            ),
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
                beside=_lines(other.calibration),
            ),
        ),
    ]


def _regression(record: RunRecord, beside: RunRecord | None) -> list[Plot]:
    return [
        Plot(
            "predicted_and_actual",
            "Predicted and actual",
            "Held-out rows; on the dashed line the prediction is right.",
            xy(
                f"{record.target}: predicted and actual",
                "predicted",
                "actual",
                _predicted(record),
                guide="diagonal",
                beside=_predicted(beside),
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
                _residuals(record),
                guide="zero",
                beside=_residuals(beside),
            ),
        ),
    ]


def _predicted(record: RunRecord | None) -> list[Series]:
    return [Series("rows", record.plots.predicted, record.plots.actual, joined=False)] if record else []


def _residuals(record: RunRecord | None) -> list[Series]:
    if record is None:
        return []
    predicted, actual = record.plots.predicted, record.plots.actual
    residuals = [one - other for one, other in zip(actual, predicted, strict=True)]
    return [Series("rows", predicted, residuals, joined=False)]


def _importance(record: RunRecord, beside: RunRecord | None) -> Plot:
    return Plot(
        "importance",
        "Importance",
        f"By how much {record.metric} gets worse when a feature's values are shuffled, with its 95 % interval.",
        intervals("importance of features", f"{record.metric} lost when shuffled", _effects(record), _effects(beside)),
    )


def _effects(record: RunRecord | None) -> list[Bar]:
    found = record.plots.importance[:_FEATURES] if record else []
    return [(one.feature, one.value, one.low, one.high) for one in found]


def _contributions(record: RunRecord, beside: RunRecord | None) -> list[Plot]:
    """A plot for each output: one, or as many as there are classes."""
    adds_up_to = record.plots.adds_up_to.replace("_", " ")
    plots = []
    for number, output in enumerate(dict.fromkeys(one.output for one in record.plots.swarms), start=1):
        total = f"{adds_up_to.removesuffix('s')} of {output}" if output else adds_up_to
        plot = Plot(
            f"contributions_{number}" if output else "contributions",
            "Contributions",
            f"What each feature adds to the {total} of a row (SHAP values); low values of the feature are blue, high "
            "ones orange.",
            swarm("contributions of features", f"added to the {total}", _dots(record, output), _dots(beside, output)),
        )
        plots.append(plot)
    return plots


def _dots(record: RunRecord | None, output: str) -> list[Dots]:
    found = [one for one in record.plots.swarms if one.output == output] if record else []
    return [
        (one.feature, [Dot(value, rank) for value, rank in zip(one.contributions, one.ranks, strict=True)])
        for one in found[:_FEATURES]
    ]


def _lines(lines: list[Line]) -> list[Series]:
    return [Series(line.name, line.x, line.y) for line in lines]
