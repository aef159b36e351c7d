"""Why an alarm is in its state, in AWS's wording and as data."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.aws.cloudwatch.moments import short, spoken, written
from localcloud.aws.cloudwatch.verdict import Rule, State

Datapoints = Sequence[tuple[int, float | None]]

_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def reason_of(rule: Rule, state: State, previous: str, datapoints: Datapoints) -> str:
    """The sentence of a state.

    Args:
        rule: The alarm's.
        state: The new state.
        previous: The state before.
        datapoints: Start of period and value, or None, of the newest periods, the newest last.
    """
    newest = datapoints[-rule.evaluation_periods :]
    there = [(moment, value) for moment, value in newest if value is not None]
    if not there:
        periods = rule.evaluation_periods
        some = f"{periods} datapoint{'s were' if periods > 1 else ' was'}"
        if state == "INSUFFICIENT_DATA" or rule.missing in ("missing", "ignore"):
            return f"Insufficient Data: {some} unknown."
        as_what = "breaching" if rule.missing == "breaching" else "non-breaching"
        return (
            f"Threshold Crossed: no datapoints were received for {periods} periods and {periods} missing "
            f"datapoints were treated as [{as_what.title().replace('-b', 'B')}]."
        )
    wanted = rule.datapoints_to_alarm if state == "ALARM" else rule.evaluation_periods - rule.datapoints_to_alarm + 1
    concerned = [(at, value) for at, value in there if rule.is_breached_by(value) == (state == "ALARM")] or there
    listed = ", ".join(f"{value} ({short(at)})" for at, value in reversed(concerned))
    were = "were" if len(concerned) > 1 else "was"
    negation = "" if state == "ALARM" else "not "
    return (
        f"Threshold Crossed: {len(concerned)} out of the last {len(newest)} datapoints [{listed}] {were} {negation}"
        f"{_WORDS[rule.comparison]} the threshold ({rule.threshold}) (minimum {wanted} "
        f"datapoint{'s' if wanted > 1 else ''} for {previous} -> {state} transition)."
    )


def reason_of_composite(
    alarm: Mapping[str, Any], state: str, children: Sequence[Mapping[str, Any]], now: float
) -> tuple[str, str]:
    """The sentence of a composite alarm's state, and the JSON text beside it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html

    Args:
        alarm: The composite alarm.
        state: Its new state.
        children: The alarms in its rule.
        now: Epoch seconds.
    """
    if not children or alarm["StateValue"] == "INSUFFICIENT_DATA":
        return f"{alarm['AlarmArn']} was created and its alarm rule evaluates to {state}", ""
    trigger = max(children, key=lambda child: child["StateTransitionedTimestamp"])
    value = trigger["StateValue"]
    data = {
        "triggeringAlarms": [{"arn": trigger["AlarmArn"], "state": {"value": value, "timestamp": written(now)}}],
    }
    return f"{trigger['AlarmArn']} transitioned to {value} at {spoken(now)}", json.dumps(data)


def reason_data_of(alarm: Mapping[str, Any], period_s: int, datapoints: Datapoints, now: float) -> str:
    """The JSON text beside the sentence."""
    shown: list[dict[str, Any]] = []
    for moment, value in reversed(datapoints):
        shown.append({"timestamp": written(moment)} | ({} if value is None else {"value": value}))
    data = {
        "version": "1.0",
        "queryDate": written(now),
        "startDate": written(datapoints[0][0]),
        "statistic": alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
        "period": period_s,
        "recentDatapoints": [value for _, value in datapoints if value is not None],
        "threshold": alarm["Threshold"],
        "evaluatedDatapoints": shown,
    }
    return json.dumps({key: value for key, value in data.items() if value is not None})
