"""The state of an alarm from its datapoints: M of N, and what missing data count for.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

# "CloudWatch attempts to retrieve a higher number of data points than the number specified as Evaluation Periods"; its
# examples retrieve 5 for 3.
_MORE_PERIODS = 2

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
COMPARISONS = frozenset(_COMPARISONS)


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alarm goes off.

    Attributes:
        evaluation_periods: N.
        datapoints_to_alarm: M, at most N.
        missing: missing, notBreaching, breaching or ignore.
    """

    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    missing: str

    @classmethod
    def of(cls, alarm: Mapping[str, Any]) -> "Rule":
        """The rule of an alarm as PutMetricAlarm describes it."""
        periods = alarm["EvaluationPeriods"]
        return cls(
            alarm["ComparisonOperator"],
            alarm["Threshold"],
            periods,
            alarm.get("DatapointsToAlarm", periods),
            alarm.get("TreatMissingData", "missing"),
        )

    @property
    def range_periods(self) -> int:
        """How many of the newest periods are looked at."""
        return self.evaluation_periods + _MORE_PERIODS

    def is_breached_by(self, value: float) -> bool:
        """Whether a datapoint is on the wrong side of the threshold."""
        return _COMPARISONS[self.comparison](value, self.threshold)


def judge(rule: Rule, datapoints: Sequence[float | None]) -> State | None:
    """The state that datapoints lead to.

    Args:
        rule: The alarm's.
        datapoints: `rule.range_periods` of them, the newest last; None where one is missing.

    Returns:
        The state; None to keep the present one.
    """
    there = [value for value in datapoints if value is not None]
    wanted = rule.evaluation_periods
    breaches = sum(map(rule.is_breached_by, there[-wanted:]))
    missing = max(0, wanted - len(there))
    if not missing:
        return _state(breaches >= rule.datapoints_to_alarm)
    match rule.missing:
        case "breaching":
            return _state(breaches + missing >= rule.datapoints_to_alarm)
        case "notBreaching":
            return _state(breaches >= rule.datapoints_to_alarm)
    if breaches >= rule.datapoints_to_alarm:
        return "ALARM"
    if breaches < len(there):
        return "OK"
    if rule.missing == "ignore":
        return None
    if not there:
        return "INSUFFICIENT_DATA"
    return "ALARM" if _is_old_enough(rule, datapoints) else None


def _is_old_enough(rule: Rule, datapoints: Sequence[float | None]) -> bool:
    """Whether the oldest breach is as far back as the alarm needs, so that it is no premature alarm."""
    oldest = next(position for position, value in enumerate(datapoints) if value is not None)
    return len(datapoints) - oldest >= rule.datapoints_to_alarm


def _state(is_alarm: bool) -> State:
    return "ALARM" if is_alarm else "OK"
