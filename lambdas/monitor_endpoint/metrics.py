"""The model's metrics, written to the log as CloudWatch's embedded metric format, from which it makes metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Mapping
from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from comal.names import PROJECT

_COUNTS = frozenset({"captured_rows", "labelled_rows", "unreadable_calls", "refused_label_files"})


def emit_metrics(stack: str, model: str, values: Mapping[str, float], time: datetime, resolution_s: int) -> None:
    """Write one line with all values.

    Args:
        stack: Dimension.
        model: Dimension.
        values: Metrics by name.
        time: When they hold.
        resolution_s: 1 where alarms look more often than once a minute, else 60.
    """
    if not values:
        return
    provider = AmazonCloudWatchEMFProvider(namespace=PROJECT)
    # Powertools adds it as a dimension of its own, and alarms name every dimension.
    provider.service = ""
    provider.add_dimension("stack", stack)
    provider.add_dimension("model", model)
    provider.set_timestamp(time)
    for name, value in values.items():
        unit = MetricUnit.Count if name in _COUNTS else MetricUnit.NoUnit
        provider.add_metric(name, unit, value, resolution=resolution_s)
    provider.flush_metrics()
