"""The metrics that a gate can judge by, computed by scikit-learn on held-out rows."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from comal.recipe import METRICS_OF, Task

Numbers = NDArray[np.float64]


def metrics(task: Task, actual: Numbers, predicted: Numbers, names: Sequence[str] = ()) -> dict[str, float]:
    """Metrics of a task that these rows define.

    Args:
        task: What is predicted.
        actual: Shape (rows,): numbers, or positions of classes.
        predicted: Shape (rows,) for regression, else probabilities of shape (rows, classes).
        names: Which; all of the task's without any. One takes milliseconds, however few the rows.

    Returns:
        Metrics by name. One that the rows leave undefined is absent: auc where they hold one class only, r2 of a single
        row or of a constant target.
    """
    wanted = names or METRICS_OF[task]
    if task != "regression":
        actual = actual.astype(np.int64)
    found = {name: _METRICS[name](actual, predicted) for name in METRICS_OF[task] if name in wanted}
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
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "f1": _f1,
    "auc": _auc,
}
