"""The metrics that a gate can judge by, of live predictions: numpy only, as scikit-learn does not fit into a Lambda.

The same numbers as training.metrics, which tests hold together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comal.errors import DataError
from comal.recipe_metrics import Task

Floats = NDArray[np.float64]

# What scikit-learn's log_loss keeps probabilities away from 0 and 1 by: the spacing of float64.
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Outcomes:
    """Predictions beside what became of them.

    Attributes:
        actual: Numbers, or positions of classes; shape (rows,).
        predicted: Numbers of shape (rows,), or probabilities of shape (rows, classes).
        quantile: That the predictions are of; None where they are means.
    """

    actual: Floats
    predicted: Floats
    quantile: float | None = None

    def __len__(self) -> int:
        return len(self.actual)

    def take(self, rows: NDArray[np.int64]) -> "Outcomes":
        """Some rows, each as often as it is named."""
        return Outcomes(self.actual[rows], self.predicted[rows], self.quantile)


def outcomes_of(
    task: Task, predictions: Sequence[Mapping[str, Any]], labels: Sequence[Any], quantile: float | None = None
) -> Outcomes:
    """Rows as an endpoint answers them, beside their labels.

    Args:
        task: What is predicted.
        predictions: {"prediction"} for regression, with "probability" of the second class for binary and
            "probabilities" by class for multiclass.
        labels: As many true values; classes are compared as text.
        quantile: That numbers are predictions of.

    Raises:
        DataError: There are no rows, or not as many labels as predictions.
    """
    if not labels or len(labels) != len(predictions):
        raise DataError(
            f"{len(labels)} labels do not fit {len(predictions)} predictions.",
            next_step="Pass one label for each prediction, and at least one.",
        )
    if task == "regression":
        return Outcomes(
            np.asarray([float(label) for label in labels]),
            np.asarray([float(row["prediction"]) for row in predictions]),
            quantile,
        )
    texts = [_text(label) for label in labels]
    rows = [_probabilities(row) for row in predictions] if task == "multiclass" else _binary(predictions, texts)
    classes = list(dict.fromkeys([*(name for row in rows for name in row), *sorted(set(texts))]))
    position = {name: index for index, name in enumerate(classes)}
    predicted = np.zeros((len(rows), len(classes)))
    for index, row in enumerate(rows):
        for name, probability in row.items():
            predicted[index, position[name]] = probability
    predicted /= predicted.sum(axis=1, keepdims=True)
    return Outcomes(np.asarray([position[text] for text in texts], dtype=np.float64), predicted)


def metric_value(metric: str, outcomes: Outcomes) -> float:
    """A metric of recipe.Metric; NaN where these rows do not define it (auc of one class, r2 of equal numbers)."""
    if metric == "pinball":
        return _pinball(outcomes)
    return float(_METRICS[metric](outcomes.actual, outcomes.predicted))


def _text(label: Any) -> str:
    """A class as text: a label that came as 1, 1.0, "1" or true (JSON) is the one that a prediction names."""
    if isinstance(label, bool | np.bool_):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def _probabilities(row: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(probability) for name, probability in row["probabilities"].items()}


def _binary(predictions: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[dict[str, float]]:
    """Probabilities of both classes; an answer names the likelier one only, so the other is found among the rows."""
    names = {}
    for row in predictions:
        # A tie is answered with the first class.
        names[float(row["probability"]) > 0.5] = _text(row["prediction"])
    for positive in (False, True):
        if positive not in names:
            others = sorted({*labels} - {*names.values()})
            names[positive] = others[0] if others else f"not {names[not positive]}"
    return [
        {names[False]: 1 - float(row["probability"]), names[True]: float(row["probability"])} for row in predictions
    ]


def _rmse(actual: Floats, predicted: Floats) -> float:
    return float(np.sqrt(np.mean((actual - predicted) ** 2)))


def _mae(actual: Floats, predicted: Floats) -> float:
    return float(np.mean(np.abs(actual - predicted)))


def _r2(actual: Floats, predicted: Floats) -> float:
    spread = float(np.sum((actual - actual.mean()) ** 2))
    return 1 - float(np.sum((actual - predicted) ** 2)) / spread if spread > 0 else np.nan


def _pinball(outcomes: Outcomes) -> float:
    assert outcomes.quantile is not None  # the recipe refuses the metric without a quantile
    missed = outcomes.actual - outcomes.predicted
    return float(np.mean(np.maximum(outcomes.quantile * missed, (outcomes.quantile - 1) * missed)))


def _log_loss(actual: Floats, predicted: Floats) -> float:
    likelihood = predicted[np.arange(len(actual)), actual.astype(np.int64)]
    return float(-np.mean(np.log(np.clip(likelihood, _EPSILON, 1 - _EPSILON))))


def _accuracy(actual: Floats, predicted: Floats) -> float:
    return float(np.mean(predicted.argmax(axis=1) == actual))


def _f1(actual: Floats, predicted: Floats) -> float:
    """The mean over the classes that occur, as labels or as answers."""
    classes = predicted.shape[1]
    answers = predicted.argmax(axis=1)
    labels = actual.astype(np.int64)
    right = np.bincount(labels[labels == answers], minlength=classes)
    both = np.bincount(labels, minlength=classes) + np.bincount(answers, minlength=classes)
    return float(np.mean(2 * right[both > 0] / both[both > 0]))


def _auc(actual: Floats, predicted: Floats) -> float:
    """The share of pairs of a positive and a negative row that are in order; ties count half (Mann-Whitney)."""
    positive = actual == 1
    pairs = int(positive.sum()) * int((~positive).sum())
    if not pairs:
        return np.nan
    _, place, rows = np.unique(predicted[:, 1], return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(rows) - (rows - 1) / 2
    least = positive.sum() * (positive.sum() + 1) / 2
    return float((mean_rank[place][positive].sum() - least) / pairs)


_METRICS = {
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "f1": _f1,
    "auc": _auc,
}
