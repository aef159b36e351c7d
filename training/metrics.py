"""The metrics that a gate can judge by, computed by scikit-learn on held-out rows."""

import numpy as np
from numpy.typing import NDArray

from comal.recipe import METRICS_OF, Task


def metrics(task: Task, actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    """Every metric of a task that these rows define.

    Args:
        task: What is predicted.
        actual: Shape (rows,): numbers, or positions of classes.
        predicted: Shape (rows,) for regression, else probabilities of shape (rows, classes).

    Returns:
        Metrics by name. One that the rows leave undefined is absent: auc where they hold one class only, r2 of a single
        row or of a constant target.
    """
    found = _regression(actual, predicted) if task == "regression" else _classification(task, actual, predicted)
    return {name: found[name] for name in METRICS_OF[task] if name in found and np.isfinite(found[name])}


def _regression(actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    found = {
        "rmse": float(root_mean_squared_error(actual, predicted)),
        "mae": float(mean_absolute_error(actual, predicted)),
    }
    if np.ptp(actual) > 0:
        found["r2"] = float(r2_score(actual, predicted))
    return found


def _classification(task: Task, actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

    classes = np.arange(predicted.shape[1])
    actual = actual.astype(np.int64)
    answers = predicted.argmax(axis=1)
    found = {
        "log_loss": float(log_loss(actual, predicted, labels=classes)),
        "accuracy": float(accuracy_score(actual, answers)),
        "f1": float(f1_score(actual, answers, average="macro", zero_division=0.0)),
    }
    if task == "binary" and len(np.unique(actual)) > 1:
        found["auc"] = float(roc_auc_score(actual, predicted[:, 1]))
    return found
