"""Tasks, and the metrics that models of each are judged by."""

from typing import Literal

Task = Literal["binary", "multiclass", "regression"]
Metric = Literal["rmse", "mae", "r2", "pinball", "log_loss", "accuracy", "auc", "f1"]

METRICS_OF: dict[str, tuple[str, ...]] = {
    "regression": ("rmse", "mae", "r2"),
    "binary": ("log_loss", "auc", "accuracy", "f1"),
    "multiclass": ("log_loss", "accuracy", "f1"),
}
# Of predictions of a quantile these come first; coverage, which is best at the quantile, is shown and not judged by.
QUANTILE_METRICS = ("pinball", "coverage")
HIGHER_IS_BETTER = frozenset({"r2", "auc", "accuracy", "f1"})


def metrics_of(task: Task, quantile: float | None) -> tuple[str, ...]:
    """Metrics of a task, and before them those of a quantile where one is predicted."""
    return (*(QUANTILE_METRICS if quantile is not None else ()), *METRICS_OF[task])
