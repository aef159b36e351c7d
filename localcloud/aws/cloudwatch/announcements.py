"""What others are told of a change of an alarm's state: the event, the SNS message and the function's payload.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
"""

from collections.abc import Mapping
from typing import Any

from localcloud.aws.cloudwatch.moments import written
from localcloud.aws.cloudwatch.queries import Query
from localcloud.aws.cloudwatch.store import Document, Named

DETAIL_TYPE = "CloudWatch Alarm State Change"
ACTION_FIELDS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def state_of(alarm: Mapping[str, Any]) -> Document:
    """An alarm's state as events show it."""
    shown = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "timestamp": written(alarm["StateUpdatedTimestamp"]),
    }
    return shown | ({"reasonData": alarm["StateReasonData"]} if alarm.get("StateReasonData") else {})


def event_detail(alarm: Mapping[str, Any], previous: Document) -> Document:
    """The detail of the event; `previous` is the state before, by `state_of`."""
    return {
        "alarmName": alarm["AlarmName"],
        "configuration": _configuration(alarm),
        "previousState": previous,
        "state": state_of(alarm),
    }


def function_payload(named: Named, previous: Document) -> Document:
    """What a Lambda function gets that is an alarm's action."""
    alarm = named.document
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": named.account,
        "time": written(alarm["StateUpdatedTimestamp"]),
        "region": named.region,
        "alarmData": event_detail(alarm, previous),
    }


def sns_message(named: Named, previous: Document) -> Document:
    """What a topic gets that is an alarm's action."""
    alarm = named.document
    message = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": named.account,
        "AlarmConfigurationUpdatedTimestamp": written(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": written(alarm["StateUpdatedTimestamp"]),
        "Region": named.region,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": previous["value"],
        **{field: alarm.get(field, []) for field in ("OKActions", "AlarmActions", "InsufficientDataActions")},
    }
    if "AlarmRule" in alarm:
        return message | {"AlarmRule": alarm["AlarmRule"]}
    return message | {"Trigger": _trigger(alarm)}


def subject(named: Named) -> str:
    """Subject of the message, at most SNS's 100 characters."""
    return f'{named.document["StateValue"]}: "{named.name}" in {named.region}'[:100]


def _configuration(alarm: Mapping[str, Any]) -> Document:
    shown: Document = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return shown | {"alarmRule": alarm["AlarmRule"]}
    return shown | {"metrics": [_shown_query(query) for query in queries_of(alarm)]}


def queries_of(alarm: Mapping[str, Any]) -> list[Query]:
    """The queries of a metric alarm; one of a single metric is written as a query, too."""
    if alarm.get("Metrics"):
        return list(alarm["Metrics"])
    metric = {"Namespace": alarm["Namespace"], "MetricName": alarm["MetricName"]}
    stat = {
        "Metric": metric | {"Dimensions": alarm.get("Dimensions", [])},
        "Period": alarm["Period"],
        "Stat": alarm.get("Statistic") or alarm["ExtendedStatistic"],
    }
    if alarm.get("Unit"):
        stat["Unit"] = alarm["Unit"]
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": True}]


def _shown_query(query: Query) -> Document:
    shown: Document = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        return shown | {"expression": query["Expression"], "label": query.get("Label", "")}
    stat = query["MetricStat"]
    metric = {
        "namespace": stat["Metric"]["Namespace"],
        "name": stat["Metric"]["MetricName"],
        "dimensions": {one["Name"]: one["Value"] for one in stat["Metric"].get("Dimensions", [])},
    }
    return shown | {"metricStat": {"metric": metric, "period": stat["Period"], "stat": stat["Stat"]}}


def _trigger(alarm: Mapping[str, Any]) -> Document:
    shown = {
        name: alarm[name]
        for name in (
            "MetricName",
            "Namespace",
            "Statistic",
            "ExtendedStatistic",
            "Unit",
            "Period",
            "EvaluationPeriods",
            "DatapointsToAlarm",
            "ComparisonOperator",
            "Threshold",
            "TreatMissingData",
            "Metrics",
        )
        if alarm.get(name) is not None
    }
    if "MetricName" in alarm:
        shown["Dimensions"] = [{"value": one["Value"], "name": one["Name"]} for one in alarm.get("Dimensions", [])]
    return shown
