"""The calls about alarms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch import composite_rule, queries
from localcloud.aws.cloudwatch.alarm_states import AlarmStates
from localcloud.aws.cloudwatch.announcements import ACTION_FIELDS
from localcloud.aws.cloudwatch.history import kind_of, remember
from localcloud.aws.cloudwatch.judge import Judge
from localcloud.aws.cloudwatch.judgements import alarm_arn
from localcloud.aws.cloudwatch.pages import page
from localcloud.aws.cloudwatch.series import dimensions_of
from localcloud.aws.cloudwatch.statistics import check_statistic
from localcloud.aws.cloudwatch.store import Document, Named, Store
from localcloud.aws.cloudwatch.verdict import COMPARISONS

_ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+")
_MISSING = ("missing", "notBreaching", "breaching", "ignore")
_UNCHECKED = "Unchecked: Initial alarm creation"
_STATE = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
_NO_ACTIONS = {"ActionsEnabled": True, "OKActions": [], "AlarmActions": [], "InsufficientDataActions": []}
# Omitting AlarmTypes means metric alarms only:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
_KINDS_UNLESS_ASKED = ["MetricAlarm"]
_NOT_HERE = (
    "ActionsSuppressor",
    "EvaluationCriteria",
    "EvaluationInterval",
    "EvaluationWindow",
    "ThresholdMetricId",
    "WarmUpConfiguration",
)
_LISTED = 50
_DAY_S = 24 * 3600


class AlarmOperations:
    """What callers may do with alarms."""

    def __init__(self, store: Store, clock: Clock, states: AlarmStates, judge: Judge) -> None:
        self._store = store
        self._clock = clock
        self._states = states
        self._judge = judge
        self.by_name = {
            "PutMetricAlarm": self.put_metric_alarm,
            "PutCompositeAlarm": self.put_composite_alarm,
            "DescribeAlarms": self.describe_alarms,
            "DescribeAlarmsForMetric": self.describe_alarms_for_metric,
            "DescribeAlarmHistory": self.describe_alarm_history,
            "DeleteAlarms": self.delete_alarms,
            "EnableAlarmActions": self.enable_actions,
            "DisableAlarmActions": self.disable_actions,
            "SetAlarmState": self.set_alarm_state,
        }

    def put_metric_alarm(self, account: str, region: str, request: Document) -> Document:
        """PutMetricAlarm: adds or replaces an alarm; its state stays."""
        _check_alarm(request)
        _check_metric_alarm(request)
        self._put(account, region, request)
        return {}

    def put_composite_alarm(self, account: str, region: str, request: Document) -> Document:
        """PutCompositeAlarm: every alarm in its rule must be there."""
        _check_alarm(request)
        for name in composite_rule.alarms_in(request["AlarmRule"]):
            if self._store.find("alarm", account, region, name.rpartition(":alarm:")[2]) is None:
                raise ApiError("ValidationError", f"AlarmRule: alarm {name} does not exist.")
        composite_rule.holds(request["AlarmRule"], lambda _: "OK")
        self._put(account, region, request)
        return {}

    def describe_alarms(self, account: str, region: str, request: Document) -> Document:
        """DescribeAlarms."""
        names = set(request.get("AlarmNames", []))
        kinds = request.get("AlarmTypes", _KINDS_UNLESS_ASKED)
        related = self._related(account, region, request)
        found = [
            named.document
            for named in self._store.of_account("alarm", account, region)
            if (not names or named.name in names)
            and named.name.startswith(request.get("AlarmNamePrefix", ""))
            and request.get("StateValue", named.document["StateValue"]) == named.document["StateValue"]
            and kind_of(named) in (kinds if related is None else ["CompositeAlarm", "MetricAlarm"])
            and (related is None or named.name in related)
            and _has_action(named.document, request.get("ActionPrefix", ""))
        ]
        size = request.get("MaxRecords", max(_LISTED, len(names)))
        listed = page("Alarms", found, request, size)
        alarms = listed.pop("Alarms")
        listed["MetricAlarms"] = [alarm for alarm in alarms if "AlarmRule" not in alarm]
        listed["CompositeAlarms"] = [alarm for alarm in alarms if "AlarmRule" in alarm]
        return listed

    def describe_alarms_for_metric(self, account: str, region: str, request: Document) -> Document:
        """DescribeAlarmsForMetric."""
        dimensions = _dimensions(request)
        found = [
            named.document
            for named in self._store.of_account("alarm", account, region)
            if named.document.get("MetricName") == request["MetricName"]
            and named.document.get("Namespace") == request["Namespace"]
            and _dimensions(named.document) == dimensions
            and request.get("Period", named.document.get("Period")) == named.document.get("Period")
            and request.get("Statistic", named.document.get("Statistic")) == named.document.get("Statistic")
        ]
        return {"MetricAlarms": found}

    def describe_alarm_history(self, account: str, region: str, request: Document) -> Document:
        """DescribeAlarmHistory, newest first unless asked otherwise."""
        items = [
            item
            for item in self._store.history(account, region)
            if request.get("AlarmName", item["AlarmName"]) == item["AlarmName"]
            and request.get("HistoryItemType", item["HistoryItemType"]) == item["HistoryItemType"]
            and item["AlarmType"] in request.get("AlarmTypes", _KINDS_UNLESS_ASKED)
            and request.get("StartDate", 0) <= item["Timestamp"] <= request.get("EndDate", float("inf"))
        ]
        if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            items.reverse()
        return page("AlarmHistoryItems", items, request, request.get("MaxRecords", 100))

    def delete_alarms(self, account: str, region: str, request: Document) -> Document:
        """DeleteAlarms: all of them or, if one is missing, none."""
        names = request["AlarmNames"]
        with self._judge.changing(account, region, names), self._store.transaction():
            for name in names:
                self._find(account, region, name)
            for name in names:
                self._store.delete("alarm", account, region, name)
                self._store.delete("tags", account, region, alarm_arn(account, region, name))
        return {}

    def enable_actions(self, account: str, region: str, request: Document) -> Document:
        """EnableAlarmActions."""
        return self._switch(account, region, request["AlarmNames"], enabled=True)

    def disable_actions(self, account: str, region: str, request: Document) -> Document:
        """DisableAlarmActions."""
        return self._switch(account, region, request["AlarmNames"], enabled=False)

    def set_alarm_state(self, account: str, region: str, request: Document) -> Document:
        """SetAlarmState: until the alarm is judged the next time."""
        data = request.get("StateReasonData", "")
        if data:
            try:
                json.loads(data)
            except ValueError:
                raise ApiError("InvalidFormat", "StateReasonData is no JSON.") from None
        with self._judge.changing(account, region, ()):
            named = self._find(account, region, request["AlarmName"])
            self._states.change(named, request["StateValue"], request["StateReason"], data)
            if kind_of(named) == "MetricAlarm":
                self._judge.look_again(named)
        return {}

    def _related(self, account: str, region: str, request: Document) -> set[str] | None:
        """Names of the alarms above or below one, if the request asks for them."""
        if "ChildrenOfAlarmName" in request:
            parent = self._find(account, region, request["ChildrenOfAlarmName"])
            return set(_children(parent.document))
        if "ParentsOfAlarmName" in request:
            wanted = request["ParentsOfAlarmName"]
            alarms = self._store.of_account("alarm", account, region)
            return {named.name for named in alarms if wanted in _children(named.document)}
        return None

    def _put(self, account: str, region: str, request: Document) -> None:
        name, now = request["AlarmName"], self._clock.now()
        arn = alarm_arn(account, region, name)
        with self._judge.changing(account, region, [name]), self._store.transaction():
            known = self._store.find("alarm", account, region, name)
            alarm = _NO_ACTIONS | {key: value for key, value in request.items() if key != "Tags"}
            alarm |= {"AlarmArn": arn, "AlarmConfigurationUpdatedTimestamp": now}
            if known is None:
                alarm |= {
                    "StateValue": "INSUFFICIENT_DATA",
                    "StateReason": _UNCHECKED,
                    "StateUpdatedTimestamp": now,
                    "StateTransitionedTimestamp": now,
                }
            else:
                alarm |= {key: known[key] for key in _STATE if key in known}
            self._store.put("alarm", account, region, name, alarm)
            if known is None and request.get("Tags"):
                tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
                self._store.put("tags", account, region, arn, tags)
            named = Named(account, region, name, alarm)
            data = json.dumps({"version": "1.0", "type": "Create" if known is None else "Update"})
            summary = f'Alarm "{name}" {"created" if known is None else "updated"}'
            remember(self._store, named, now, "ConfigurationUpdate", summary, data)

    def _switch(self, account: str, region: str, names: Sequence[str], *, enabled: bool) -> Document:
        with self._judge.changing(account, region, ()):
            for name in names:
                alarm = self._store.find("alarm", account, region, name)
                if alarm is not None:
                    self._store.put("alarm", account, region, name, alarm | {"ActionsEnabled": enabled})
        return {}

    def _find(self, account: str, region: str, name: str) -> Named:
        alarm = self._store.find("alarm", account, region, name)
        if alarm is None:
            raise ApiError("ResourceNotFound", f"Alarm {name} does not exist.", 404)
        return Named(account, region, name, alarm)


def _children(alarm: Mapping[str, Any]) -> list[str]:
    names = composite_rule.alarms_in(alarm["AlarmRule"]) if "AlarmRule" in alarm else []
    return [name.rpartition(":alarm:")[2] for name in names]


def _check_alarm(request: Mapping[str, Any]) -> None:
    for name in _NOT_HERE:
        if name in request:
            raise ApiError("ValidationError", f"{name} is not done on this machine; leave it out.")
    for field in ACTION_FIELDS.values():
        for action in request.get(field, []):
            if not _ARN.fullmatch(action):
                raise ApiError("ValidationError", f"Invalid arn syntax: {action}")


def _check_metric_alarm(request: Mapping[str, Any]) -> None:
    if request.get("ComparisonOperator") not in COMPARISONS:
        raise ApiError(
            "ValidationError",
            f"ComparisonOperator {request.get('ComparisonOperator')} is not judged on this machine; use one of "
            f"{', '.join(sorted(COMPARISONS))}.",
        )
    if "Threshold" not in request:
        raise ApiError("ValidationError", "Threshold is required for this comparison operator.")
    if request.get("DatapointsToAlarm", 1) > request["EvaluationPeriods"]:
        raise ApiError("ValidationError", "DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    if request.get("TreatMissingData", "missing") not in _MISSING:
        raise ApiError("ValidationError", f"TreatMissingData must be one of {', '.join(_MISSING)}.")
    if request.get("Metrics"):
        returned = [query for query in request["Metrics"] if query.get("ReturnData", True)]
        if len(returned) != 1:
            raise ApiError("ValidationError", "Exactly one element of the metrics list should return data.")
        queries.check_queries(request["Metrics"], of_alarm=True)
    else:
        _check_single_metric(request)
    period_s = queries.period_of(request.get("Metrics") or []) if request.get("Metrics") else request["Period"]
    if period_s * request["EvaluationPeriods"] > _DAY_S * (7 if period_s >= 3600 else 1):
        raise ApiError(
            "ValidationError", "Metrics cannot be checked across more than a day (a week for periods of an hour)."
        )


def _check_single_metric(request: Mapping[str, Any]) -> None:
    missing = [name for name in ("MetricName", "Namespace", "Period") if name not in request]
    if missing:
        raise ApiError("ValidationError", f"{' and '.join(missing)} must be given, or Metrics.")
    statistics = [request[name] for name in ("Statistic", "ExtendedStatistic") if name in request]
    if len(statistics) != 1:
        raise ApiError("InvalidParameterCombination", "Exactly one of Statistic and ExtendedStatistic must be given.")
    check_statistic(statistics[0])
    queries.check_period(request["Period"])


def _dimensions(holder: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return dimensions_of({one["Name"]: one["Value"] for one in holder.get("Dimensions", [])})


def _has_action(alarm: Mapping[str, Any], prefix: str) -> bool:
    actions = [action for field in ACTION_FIELDS.values() for action in alarm.get(field, [])]
    return not prefix or any(action.startswith(prefix) for action in actions)
