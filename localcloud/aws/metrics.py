"""How our own services publish AWS's metrics: in process, because `AWS/` namespaces are closed to PutMetricData.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Datum:
    """Values of one metric at one moment.

    Attributes:
        name: `Invocations`, ….
        values: What was measured, in `unit`.
        timestamp: Epoch seconds by the edge's clock.
        dimensions: Name to value; together with namespace and name they are the metric.
        unit: One of CloudWatch's units; `None` (the text) is one of them.
        counts: How often each value was measured; empty means once each.
        high_resolution: Whether it is kept by the second and not by the minute.
    """

    name: str
    values: Sequence[float]
    timestamp: float
    dimensions: Mapping[str, str] = field(default_factory=dict)
    unit: str = "None"
    counts: Sequence[float] = ()
    high_resolution: bool = False


class Metrics(Protocol):
    """Where metrics go. Any thread may call it."""

    def put(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        """Takes measurements, of any namespace."""
        ...


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a log.

    Attributes:
        timestamp: Epoch seconds, as whoever logged it told.
    """

    timestamp: float
    message: str


@runtime_checkable
class Telemetry(Metrics, Protocol):
    """What MiniStack's services tell: their metrics, and what is logged."""

    def watch(self, publish: Callable[[], None]) -> None:
        """Has metrics published before every look at the alarms."""
        ...

    def repeat(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        """Takes measurements that only repeat what was measured before: alarms at rest stay at rest."""
        ...

    def take_log_events(
        self, account: str, region: str, group: str, events: Sequence[LogEvent], filters: Sequence[Mapping[str, Any]]
    ) -> None:
        """Takes log events of a group, with the group's metric filters as DescribeMetricFilters shows them."""
        ...
