"""The metrics that a gate can judge by, computed by scikit-learn on held-out rows."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from comal.recipe_metrics import Task, metrics_of

Numbers = NDArray[np.float64]


def metrics(
    task: Task, actual: Numbers, predicted: Numbers, names: Sequence[str] = (), *, quantile: float | None = None
) -> dict[str, float]:
    """Metrics of a task that these rows define.

    Args:
        task: What is predicted.
        actual: Shape (rows,): numbers, or positions of classes.
        predicted: Shape (rows,) for regression, else probabilities of shape (rows, classes).
        names: Which; all of the task's without any. One takes milliseconds, however few the rows.
        quantile: That the predictions are of; None where they are means.

    Returns:
        Metrics by name. One that the rows leave undefined is absent: auc where they hold one class only, r2 of a single
        row or of a constant target.
    """
    known = metrics_of(task, quantile)
    if task != "regression":
        actual = actual.astype(np.int64)
    functions = _METRICS if quantile is None else _METRICS | {"pinball": partial(_pinball, quantile)}
    found = {name: functions[name](actual, predicted) for name in known if not names or name in names}
    return {name: value for name, value in found.items() if value is not None and np.isfinite(value)}


def _rmse(actual: Numbers, predicted: Numbers) -> float:
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(actual, predicted))


def _mae(actual: Numbers, predicted: Numbers) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(actual, predicted))


def _r2(actual: Numbers, predicted: Numbers) -> float | None:
    from sklearn.metrics import r2_score

    return float(r2_score(actual, predicted)) if np.ptp(actual) > 0 else None


def _pinball(quantile: float, actual: Numbers, predicted: Numbers) -> float:
    from sklearn.metrics import mean_pinball_loss

    return float(mean_pinball_loss(actual, predicted, alpha=quantile))


def _coverage(actual: Numbers, predicted: Numbers) -> float:
    """The share of rows that are not above their prediction."""
    return float(np.mean(actual <= predicted))


def _log_loss(actual: Numbers, predicted: Numbers) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(actual, predicted, labels=np.arange(predicted.shape[1])))


def _accuracy(actual: Numbers, predicted: Numbers) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(actual, predicted.argmax(axis=1)))


def _f1(actual: Numbers, predicted: Numbers) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(actual, predicted.argmax(axis=1), average="macro", zero_division=0.0))


def _auc(actual: Numbers, predicted: Numbers) -> float | None:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(actual, predicted[:, 1])) if len(np.unique(actual)) > 1 else None


_METRICS: dict[str, Callable[[Numbers, Numbers], float | None]] = {
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "coverage": _coverage,
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "f1": _f1,
    "auc": _auc,
}
