"""Metrics that functions print: log events in the embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.aws.metrics import Datum

_MARK = '"CloudWatchMetrics"'
_MAX_VALUES = 100
_SECOND = 1


def embedded_metrics(message: str) -> list[tuple[str, Datum]]:
    """Namespaces and data of a log event; none where it is another one.

    A metric or a dimension whose member is missing or of the wrong type is left out, as CloudWatch leaves it out.
    Their timestamps are epoch seconds, as they were printed.
    """
    if _MARK not in message:
        return []
    try:
        document = json.loads(message)
    except ValueError:
        return []
    about = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(about, dict) or not isinstance(about.get("Timestamp"), int | float):
        return []
    timestamp = about["Timestamp"] / 1000
    directives = about.get("CloudWatchMetrics")
    found: list[tuple[str, Datum]] = []
    for directive in directives if isinstance(directives, list) else []:
        if isinstance(directive, dict) and isinstance(directive.get("Namespace"), str):
            found += [(directive["Namespace"], datum) for datum in _data(directive, document, timestamp)]
    return found


def _data(directive: Mapping[str, Any], document: Mapping[str, Any], timestamp: float) -> Iterator[Datum]:
    for metric in directive.get("Metrics") or []:
        values = _values(document.get(metric.get("Name")))
        if not values:
            continue
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: document.get(name) for name in names}
            if not all(isinstance(value, str) for value in dimensions.values()):
                continue
            yield Datum(
                name=metric["Name"],
                values=values,
                timestamp=timestamp,
                dimensions={name: str(value) for name, value in dimensions.items()},
                unit=metric.get("Unit", "None"),
                high_resolution=metric.get("StorageResolution") == _SECOND,
            )


def _values(found: Any) -> list[float]:
    values = found if isinstance(found, list) else [found]
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return numbers if len(numbers) == len(values) <= _MAX_VALUES else []
