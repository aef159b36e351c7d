"""What a run's plots are drawn from: few enough points for a page, chosen the same way every time."""

import numpy as np
from numpy.typing import NDArray

from comal.run_record import Effect, Line, Plots, Swarm
from training.evaluate import HeldOut, Predictions
from training.explain import Explained
from training.importance import Importances
from training.model import TrainedModel

Numbers = NDArray[np.float64]

# What a page shows of many.
_MOST_POINTS = 100
_MOST_ROWS = 400
_EXPLAINED_ROWS = 200
_MOST_FEATURES = 12
_MOST_CLASSES = 6
_BINS = 10
# A bin of fewer rows says nothing of a probability.
_ROWS_OF_A_BIN = 10


def plot_points(
    trained: TrainedModel, found: Predictions, held_out: HeldOut, importance: Importances, seed: int
) -> Plots:
    """Points of every plot that the task and the model have.

    Args:
        trained: The model.
        found: What it predicts for the held-out rows.
        held_out: Those rows.
        importance: Of its features.
        seed: Chooses the rows that are shown.
    """
    rng = np.random.default_rng(seed)
    plots = Plots(
        importance=[
            Effect(feature=one.feature, value=one.loss[0], low=one.loss[1], high=one.loss[2])
            for one in importance.features
            if one.loss
        ],
        swarms=_swarms(trained, found, held_out, rng),
        adds_up_to=importance.adds_up_to or "",
    )
    if trained.schema.task != "regression":
        return plots.model_copy(update=_classes(trained, found))
    chosen = np.sort(rng.permutation(len(found.actual))[:_MOST_ROWS])
    return plots.model_copy(
        update={"predicted": _rounded(found.predicted[chosen]), "actual": _rounded(found.actual[chosen])}
    )


def _classes(trained: TrainedModel, found: Predictions) -> dict[str, list[Line]]:
    """Curves of each class against the rest; of two classes those of the second."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    labels = [str(label) for label in trained.schema.classes]
    positions = [1] if trained.schema.task == "binary" else _shown_classes(trained, found)
    lines: dict[str, list[Line]] = {"roc": [], "precision_recall": [], "calibration": []}
    for position in positions:
        truth, probability = found.actual == position, found.predicted[:, position]
        if truth.any() and not truth.all():
            false_rate, true_rate, _ = roc_curve(truth, probability)
            precision, recall, _ = precision_recall_curve(truth, probability)
            lines["roc"].append(_line(labels[position], false_rate, true_rate))
            lines["precision_recall"].append(_line(labels[position], recall, precision))
            lines["calibration"].append(_line(labels[position], *_calibration(truth, probability)))
    return lines


def _shown_classes(trained: TrainedModel, found: Predictions) -> list[int]:
    """The classes with the most rows."""
    classes = len(trained.schema.classes)
    counts = np.bincount(found.actual.astype(np.int64), minlength=classes)[:classes]
    positions: list[int] = np.argsort(-counts, kind="stable")[:_MOST_CLASSES].tolist()
    return positions


def _calibration(truth: NDArray[np.bool_], probability: Numbers) -> tuple[Numbers, Numbers]:
    """Mean probability and share that came true, of bins of about equal numbers of rows."""
    order = np.argsort(probability, kind="stable")
    bins = np.array_split(order, max(1, min(_BINS, len(order) // _ROWS_OF_A_BIN)))
    return (
        np.array([probability[rows].mean() for rows in bins]),
        np.array([truth[rows].mean() for rows in bins]),
    )


def _swarms(trained: TrainedModel, found: Predictions, held_out: HeldOut, rng: np.random.Generator) -> list[Swarm]:
    if not isinstance(trained.model, Explained):
        return []
    matrix = held_out.matrix[np.sort(rng.permutation(len(held_out.matrix))[:_EXPLAINED_ROWS])]
    contributions = trained.model.contributions(matrix)[:, :, :-1]
    has_one_output = contributions.shape[1] == 1
    swarms = []
    for output in [0] if has_one_output else _shown_classes(trained, found):
        moved = contributions[:, output]
        for position in np.argsort(-np.abs(moved).mean(axis=0), kind="stable")[:_MOST_FEATURES].tolist():
            swarm = Swarm(
                output="" if has_one_output else str(trained.schema.classes[output]),
                feature=trained.schema.features[position].name,
                contributions=_rounded(moved[:, position]),
                ranks=_ranks(matrix[:, position].astype(np.float64)),
            )
            swarms.append(swarm)
    return swarms


def _ranks(values: Numbers) -> list[float | None]:
    known = np.unique(values[~np.isnan(values)])
    places = np.searchsorted(known, values) / max(1, len(known) - 1)
    return [None if np.isnan(value) else round(float(place), 3) for value, place in zip(values, places, strict=True)]


def _line(name: str, x: Numbers, y: Numbers) -> Line:
    shown = np.unique(np.linspace(0, len(x) - 1, min(_MOST_POINTS, len(x))).round().astype(int))
    return Line(name=name, x=_rounded(x[shown]), y=_rounded(y[shown]))


def _rounded(values: Numbers) -> list[float]:
    """Four digits are more than a plot shows; the record stays small."""
    return [float(f"{value:.4g}") for value in values]
