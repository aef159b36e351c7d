"""Metrics out of log events: the embedded metric format, and metric filters.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch.embedded_metrics import embedded_metrics
from localcloud.aws.cloudwatch.filter_condition import MISSING, PatternError, number_of
from localcloud.aws.cloudwatch.filter_pattern import Match, Pattern, parse_pattern
from localcloud.aws.metrics import Datum, LogEvent, Metrics

logger = logging.getLogger("localcloud.cloudwatch")

_MINUTE_S = 60
_RESERVED = "AWS/"
# A function may run for this long, and what it prints is of no time before.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LONGEST_FUNCTION_S = 900
_AHEAD_S = 1.0


@dataclass(frozen=True, slots=True)
class _Default:
    """A filter's metric that is worth something in a minute with log events of which none matches."""

    account: str
    region: str
    group: str
    filter_name: str
    namespace: str
    metric: str


class LogMetrics:
    """Reads every log event as it comes in. Any thread may call it."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        # The minute in which each filter saw log events last, and what it is worth if none matches; None: one has.
        self._minutes: dict[_Default, tuple[int, Datum | None]] = {}

    def take(
        self, account: str, region: str, group: str, events: Sequence[LogEvent], filters: Sequence[Mapping[str, Any]]
    ) -> None:
        """Takes log events of one group.

        Args:
            account: Twelve digits.
            region: `us-east-1`, ….
            group: Name of the log group.
            events: What was logged.
            filters: The group's metric filters, as DescribeMetricFilters shows them.
        """
        found: dict[str, list[Datum]] = {}
        for event in events:
            for namespace, datum in embedded_metrics(event.message):
                if namespace.startswith(_RESERVED):
                    logger.warning("%s: namespace %s is AWS's; its metrics are left out", group, namespace)
                    continue
                found.setdefault(namespace, []).append(replace(datum, timestamp=self._moment(datum.timestamp)))
        for one in filters:
            pattern = _pattern(one["filterPattern"])
            matches = [(event, match) for event in events if (match := pattern(event.message))]
            for transformation in one["metricTransformations"]:
                namespace, name = transformation["metricNamespace"], transformation["metricName"]
                data = [d for event, match in matches if (d := self._datum(transformation, event, match))]
                found.setdefault(namespace, []).extend(data)
                if transformation.get("defaultValue") is not None:
                    key = _Default(account, region, group, one["filterName"], namespace, name)
                    self._note(key, transformation, is_matched=bool(matches))
        for namespace, data in found.items():
            if data:
                self._metrics.put(account, region, namespace, data)

    def next_due(self) -> float | None:
        """When the next minute ends whose default value may have to be published."""
        with self._lock:
            return min((minute + _MINUTE_S for minute, datum in self._minutes.values() if datum), default=None)

    def fire_due(self) -> None:
        """Publishes the default values of the minutes that are over."""
        now = self._clock.now()
        with self._lock:
            over = {key: entry for key, entry in self._minutes.items() if entry[0] + _MINUTE_S <= now}
            for key in over:
                del self._minutes[key]
        for key, (_, datum) in over.items():
            if datum is not None:
                self._metrics.put(key.account, key.region, key.namespace, [datum])

    def _note(self, key: _Default, transformation: Mapping[str, Any], *, is_matched: bool) -> None:
        self.fire_due()
        now = self._clock.now()
        minute = int(now // _MINUTE_S) * _MINUTE_S
        unit = transformation.get("unit", "None")
        datum = Datum(key.metric, [transformation["defaultValue"]], now, unit=unit)
        with self._lock:
            known = self._minutes.get(key)
            has_matched = is_matched or (known is not None and known[1] is None)
            self._minutes[key] = (minute, None if has_matched else datum)

    def _datum(self, transformation: Mapping[str, Any], event: LogEvent, match: Match) -> Datum | None:
        """None where the event has no number to publish, or not every dimension."""
        text = transformation["metricValue"]
        value = number_of(match.lookup(text) if text.startswith("$") else text)
        dimensions = {name: match.lookup(field) for name, field in (transformation.get("dimensions") or {}).items()}
        if value is None or any(found is MISSING for found in dimensions.values()):
            return None
        return Datum(
            name=transformation["metricName"],
            values=[value],
            timestamp=self._moment(event.timestamp),
            dimensions={name: str(found) for name, found in dimensions.items()},
            unit=transformation.get("unit", "None"),
        )

    def _moment(self, timestamp: float) -> float:
        """The clock's time of something that may have been told this machine's.

        Functions read the machine's clock, which an advance does not move; who took the time from an event is ahead
        of it already.
        """
        age_s = self._clock.now() - self._clock.offset_s - timestamp
        is_machine_time = -_AHEAD_S <= age_s <= _LONGEST_FUNCTION_S
        return timestamp + self._clock.offset_s if is_machine_time else timestamp


def check_filter(request: Mapping[str, Any]) -> None:
    """Refuses a metric filter that CloudWatch Logs would refuse.

    Args:
        request: Of PutMetricFilter.

    Raises:
        PatternError: Says why.
    """
    parse_pattern(request.get("filterPattern", ""))
    for transformation in request.get("metricTransformations", []):
        value = transformation.get("metricValue", "")
        if not value.startswith("$") and number_of(value) is None:
            raise PatternError(f"metricValue must be a number or a field as $.latency or $bytes; it is '{value}'")
        if transformation.get("dimensions") and transformation.get("defaultValue") is not None:
            raise PatternError("a metric transformation has either dimensions or a default value")


@lru_cache(maxsize=1000)
def _pattern(text: str) -> Pattern:
    return parse_pattern(text)
