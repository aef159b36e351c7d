"""What AWS's pages say of alarms beyond the tables of `test_alarms`: each test names its page."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloudwatch.conftest import Watched, messages, queue_arn
from tests.contract.localcloud.resources import wait_for
from tests.running_cloud import ACCOUNT, REGION

# A day less than the history of alarms is kept.
MONTH_S = 29 * 24 * 3600
# An alarm is judged at most so long after the end of its period.
JUDGED_WITHIN_S = 5


def composite(watched: Watched, rule: str, noun: str = "all", **more: Any) -> str:
    name = f"{watched.alarm}-{noun}"
    watched.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)
    return name


def composite_state(watched: Watched, name: str) -> tuple[str, str]:
    (alarm,) = watched.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    return alarm["StateValue"], alarm["StateReason"]


def set_state(watched: Watched, name: str, value: str) -> None:
    watched.cloudwatch.set_alarm_state(AlarmName=name, StateValue=value, StateReason="test")


def changes(watched: Watched, name: str = "") -> list[str]:
    """The states that an alarm came into, oldest first."""
    items = watched.cloudwatch.describe_alarm_history(
        AlarmName=name or watched.alarm, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    return [item["HistorySummary"].rpartition(" ")[2] for item in items]


# When ----------------------------------------------------------------------------------------------------------------


def test_a_period_is_judged_within_five_seconds_by_the_real_clock(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html ."""
    watched.put_alarm(Period=10)
    watched.cloud.advance(10 - watched.now() % 10 + 4)  # so that its period is not over at once
    moment = watched.now()
    watched.measure(1.0, at=moment, StorageResolution=1)
    wait_for(lambda: watched.state == "ALARM", "the alarm")
    late_s = watched.described()["StateUpdatedTimestamp"].timestamp() - (moment // 10 + 1) * 10
    assert 0 <= late_s <= JUDGED_WITHIN_S


def test_on_the_stepped_clock_a_change_has_the_time_of_its_period_s_end(watched: Watched) -> None:
    watched.put_alarm()
    watched.to_the_minute()
    moment = watched.now()
    watched.measure(1.0, at=moment)
    watched.cloud.advance(3600)
    items = watched.cloudwatch.describe_alarm_history(AlarmName=watched.alarm, HistoryItemType="StateUpdate")
    alarm = next(item for item in items["AlarmHistoryItems"] if item["HistorySummary"].endswith("ALARM"))
    assert 0 <= alarm["Timestamp"].timestamp() - (moment // 60 + 1) * 60 <= JUDGED_WITHIN_S
    assert changes(watched) == ["ALARM", "INSUFFICIENT_DATA"]


def test_an_alarm_whose_math_fills_gaps_comes_to_rest(watched: Watched) -> None:
    stat = {"Metric": {"Namespace": watched.namespace, "MetricName": "sales"}, "Period": 60, "Stat": "Sum"}
    watched.put_alarm(
        Namespace=None,
        MetricName=None,
        Statistic=None,
        Period=None,
        ComparisonOperator="LessThanThreshold",
        Metrics=[
            {"Id": "sales", "MetricStat": stat, "ReturnData": False},
            {"Id": "filled", "Expression": "FILL(sales, 0)"},
        ],
    )
    watched.measure(1.0)
    assert watched.cloud.advance(MONTH_S)["stops"] < 60
    assert watched.state == "ALARM"


# Missing data --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "states"),
    [
        ("missing", ["ALARM", "INSUFFICIENT_DATA"]),
        ("ignore", ["ALARM"]),
        ("breaching", ["ALARM"]),
        ("notBreaching", ["ALARM", "OK"]),
    ],
)
def test_when_a_metric_ends_the_policy_says_what_follows(watched: Watched, missing: str, states: list[str]) -> None:
    """docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html ."""
    watched.put_alarm(TreatMissingData=missing)
    watched.to_the_minute()
    watched.measure(1.0)
    watched.cloud.advance(MONTH_S)
    seen = changes(watched)
    assert seen[seen.index("ALARM") :] == states


def test_a_percentile_of_few_values_changes_no_state_where_that_is_asked_for(watched: Watched) -> None:
    """docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#percentiles-with-low-samples ."""
    watched.put_alarm(
        Statistic=None,
        ExtendedStatistic="p90",
        TreatMissingData="ignore",
        EvaluateLowSampleCountPercentile="ignore",
    )
    seen = []
    for count in (99, 100):
        watched.to_the_minute()
        datum = {"MetricName": "sales", "Values": [1.0], "Counts": [float(count)], "Timestamp": watched.now()}
        watched.cloudwatch.put_metric_data(Namespace=watched.namespace, MetricData=[datum])
        watched.to_the_minute()
        seen.append(watched.state)
        watched.cloud.advance(600)
    assert seen == ["INSUFFICIENT_DATA", "ALARM"]


# Composites ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def children(watched: Watched) -> dict[str, str]:
    """Three alarms in three states that stay, by state."""
    names = {}
    for state in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        names[state] = f"{watched.alarm}-{state.lower()}"
        watched.put_alarm(AlarmName=names[state], TreatMissingData="ignore")
        if state != "INSUFFICIENT_DATA":
            set_state(watched, names[state], state)
    return names


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM({ALARM})", True),
        ('ALARM("{OK}")', False),
        ("OK({OK}) AND INSUFFICIENT_DATA({INSUFFICIENT_DATA})", True),
        ("NOT ALARM({ALARM}) OR ALARM({OK})", False),
        ("ALARM({OK}) AND ALARM({ALARM}) OR ALARM({ALARM})", True),
        ("ALARM({ALARM}) OR ALARM({ALARM}) AND ALARM({OK})", True),
        ("(ALARM({ALARM}) OR ALARM({ALARM})) AND ALARM({OK})", False),
        ("NOT (ALARM({OK}) OR FALSE)", True),
        ("TRUE", True),
        ("FALSE", False),
        ("ALARM('arn:aws:cloudwatch:us-east-1:000000000000:alarm:{ALARM}')", True),
    ],
)
def test_a_rule_is_judged_as_soon_as_it_is_put(
    watched: Watched, children: dict[str, str], rule: str, holds: bool
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html ."""
    name = composite(watched, rule.format(**children))
    assert composite_state(watched, name)[0] == ("ALARM" if holds else "OK")


@pytest.mark.parametrize(
    "rule", [" ", "ALARM(", "ALARM({OK}) AND", "BROKEN({OK})", "ALARM(nobody)", "ALARM({OK}) TRUE"]
)
def test_a_rule_that_cannot_be_judged_is_refused(watched: Watched, children: dict[str, str], rule: str) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        composite(watched, rule.format(**children))


def test_a_composite_of_composites_says_who_set_it_off(watched: Watched, children: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html ."""
    inner = composite(watched, f"ALARM({children['OK']})", "inner")
    outer = composite(watched, f"ALARM({inner})", "outer")
    assert composite_state(watched, outer)[0] == "OK"
    set_state(watched, children["OK"], "ALARM")
    state, reason = composite_state(watched, outer)
    assert state == "ALARM"
    assert reason.startswith(f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{inner} transitioned to ALARM at ")
    family = watched.cloudwatch.describe_alarms(ChildrenOfAlarmName=outer)
    assert [alarm["AlarmName"] for alarm in family["CompositeAlarms"]] == [inner]
    family = watched.cloudwatch.describe_alarms(ParentsOfAlarmName=children["OK"])
    assert [alarm["AlarmName"] for alarm in family["CompositeAlarms"]] == [inner]


def test_composites_that_go_round_in_a_circle_do_not_hang(watched: Watched, children: dict[str, str]) -> None:
    first = composite(watched, f"ALARM({children['OK']})", "first")
    second = composite(watched, f"NOT ALARM({first})", "second")
    composite(watched, f"ALARM({second})", "first")
    assert composite_state(watched, first)[0] in ("OK", "ALARM")
    watched.cloudwatch.delete_alarms(AlarmNames=[first, second])


# States and actions --------------------------------------------------------------------------------------------------


def test_a_state_that_was_set_lasts_until_the_next_period_is_judged(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html ."""
    watched.put_alarm(TreatMissingData="notBreaching")
    watched.to_the_minute()
    watched.measure(0.0)
    set_state(watched, watched.alarm, "ALARM")
    assert watched.state == "ALARM"
    watched.to_the_minute()
    assert watched.state == "OK"


def test_nobody_is_told_of_a_state_that_stays(watched: Watched, queue: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html ."""
    sns = watched.cloud.client("sns")
    topic = sns.create_topic(Name=watched.namespace)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(watched))
    watched.put_alarm(AlarmActions=[topic], OKActions=[topic], TreatMissingData="breaching")
    for _ in range(4):
        watched.to_the_minute()
        watched.measure(1.0)
    set_state(watched, watched.alarm, "ALARM")
    set_state(watched, watched.alarm, "OK")
    told = [json.loads(message["Message"])["NewStateValue"] for message in messages(watched, queue, 2)]
    assert told == ["ALARM", "OK"]


def test_an_action_that_fails_is_in_the_history(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html ."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:nobody-{watched.namespace}"
    watched.put_alarm(AlarmActions=[topic], TreatMissingData="ignore")
    set_state(watched, watched.alarm, "ALARM")

    def actions() -> list[Any]:
        return list(
            watched.cloudwatch.describe_alarm_history(AlarmName=watched.alarm, HistoryItemType="Action")[
                "AlarmHistoryItems"
            ]
        )

    (item,) = wait_for(actions, "the action's item")
    assert item["HistorySummary"].startswith(f"Failed to execute action {topic}")
    assert json.loads(item["HistoryData"])["actionState"] == "Failed"


@pytest.mark.parametrize(
    ("changes_", "said"),
    [
        ({"AlarmActions": ["topic"]}, "Invalid arn syntax: topic"),
        ({"EvaluationPeriods": 1441}, "more than a day"),
        ({"ThresholdMetricId": "band"}, "ThresholdMetricId is not done on this machine"),
        ({"Statistic": None, "ExtendedStatistic": "p101"}, "p101"),
    ],
)
def test_an_alarm_that_aws_refuses_is_refused(watched: Watched, changes_: dict[str, Any], said: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html ."""
    with pytest.raises(ClientError, match=said):
        watched.put_alarm(**changes_)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("ANOMALY_DETECTION_BAND(sales)", "ANOMALY_DETECTION_BAND with 1 arguments is not computed on this machine"),
        ("METRICS()", "an array"),
        ("sales +", "no valid metric math"),
        ("other + 1", "other is no id of a query"),
    ],
)
def test_math_that_cannot_be_computed_is_refused_before_the_alarm_is_there(
    watched: Watched, expression: str, said: str
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html ."""
    stat = {"Metric": {"Namespace": watched.namespace, "MetricName": "sales"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "sales", "MetricStat": stat, "ReturnData": False},
        {"Id": "result", "Expression": expression},
    ]
    with pytest.raises(ClientError, match=said):
        watched.put_alarm(Namespace=None, MetricName=None, Statistic=None, Period=None, Metrics=metrics)


# Looking things up ---------------------------------------------------------------------------------------------------


def test_alarms_are_found_by_prefix_state_action_and_page(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html ."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{watched.namespace}"
    for number in range(3):
        more = {"AlarmActions": [topic]} if number == 1 else {}
        watched.put_alarm(AlarmName=f"{watched.alarm}-{number}", TreatMissingData="ignore", **more)
    set_state(watched, f"{watched.alarm}-2", "ALARM")

    def names(**asked: Any) -> list[str]:
        pages = watched.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=watched.alarm, **asked)
        return [alarm["AlarmName"][-1] for page in pages for alarm in page["MetricAlarms"]]

    assert names() == ["0", "1", "2"]
    assert names(PaginationConfig={"PageSize": 1}) == ["0", "1", "2"]
    assert names(StateValue="ALARM") == ["2"]
    assert names(ActionPrefix="arn:aws:sns") == ["1"]
    assert names(AlarmTypes=["CompositeAlarm"]) == []


def test_alarms_of_a_metric_are_found_by_its_dimensions(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html ."""
    dimensions = [{"Name": "store", "Value": "norte"}]
    watched.put_alarm(Dimensions=dimensions)
    metric = {"Namespace": watched.namespace, "MetricName": "sales"}
    found = watched.cloudwatch.describe_alarms_for_metric(**metric, Dimensions=dimensions)["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == [watched.alarm]
    assert watched.cloudwatch.describe_alarms_for_metric(**metric)["MetricAlarms"] == []


def test_alarms_have_tags(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html ."""
    watched.put_alarm(Tags=[{"Key": "team", "Value": "tacos"}])
    arn = watched.described()["AlarmArn"]
    watched.cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "stack", "Value": "local"}])
    watched.cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["team"])
    tags = watched.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert tags == [{"Key": "stack", "Value": "local"}]
