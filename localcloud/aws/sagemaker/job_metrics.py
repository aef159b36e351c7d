"""A training job's metrics, read from its log by the regular expressions of the request.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

import re
from collections.abc import Sequence
from typing import Any


def final_metrics(definitions: Sequence[dict[str, str]], log: str, at: float) -> list[dict[str, Any]]:
    """The last value of each metric that the log shows; `at` is its time in seconds since the epoch."""
    metrics = []
    for definition in definitions:
        found = re.findall(definition["Regex"], log)
        value = _number(found[-1]) if found else None
        if value is not None:
            metrics.append({"MetricName": definition["Name"], "Value": value, "Timestamp": at})
    return metrics


def _number(match: str | tuple[str, ...]) -> float | None:
    try:
        return float(match if isinstance(match, str) else match[0])
    except ValueError:
        return None
