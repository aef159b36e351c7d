"""Alarms do what AWS's documentation says, over HTTP and on the stepped clock."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloudwatch.conftest import Watched
from tests.running_cloud import RunningCloud

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
# Datapoints of five minutes, the newest last (X breaches, 0 does not, - is missing), and the state that they lead to
# with each treatment of missing data; None: the alarm keeps the state it had.
MISSING = ("missing", "ignore", "breaching", "notBreaching")
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "- - - - 0": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", None, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", None, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", None, "ALARM", "OK"),
}
# The same page, "How alarm state is evaluated when data is missing": three of three, missing data are missing.
SPARSE = {"- - - - X": False, "- - - X -": False, "- - X - -": True, "- - - X 0": False, "- - X X X": True}
VALUES = {"X": 1.0, "0": 0.0}
BEFORE = "OK"
Judged = dict[tuple[int, str, str], str]


@pytest.fixture(scope="module")
def judged(stepped: RunningCloud) -> Judged:
    """States of alarms by M, pattern and treatment: a metric for each pattern, all of them in the same five minutes."""
    watched = Watched(stepped)
    rows = {*((3, pattern) for pattern in (*THREE_OF_THREE, *SPARSE)), *((2, pattern) for pattern in TWO_OF_THREE)}
    watched.to_the_minute()
    start = watched.now() // 60 * 60
    names = {}
    for number, (wanted, pattern) in enumerate(sorted(rows)):
        metric = f"metric-{number}"
        for missing in MISSING:
            name = names[wanted, pattern, missing] = f"{watched.alarm}-{number}-{missing}"
            more = {"DatapointsToAlarm": wanted, "TreatMissingData": missing}
            watched.put_alarm(AlarmName=name, MetricName=metric, EvaluationPeriods=3, **more)
            watched.cloudwatch.set_alarm_state(AlarmName=name, StateValue=BEFORE, StateReason="the state before")
        for position, sign in enumerate(pattern.split()):
            if sign != "-":
                watched.measure(VALUES[sign], at=start + 60 * position + 5, name=metric)
    assert watched.now() < start + 60, "the first of the five minutes is over before everything was put"
    watched.cloud.advance(4 * 60)  # the fifth minute is the present one
    watched.to_the_minute()
    pages = watched.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=watched.alarm)
    states = {alarm["AlarmName"]: alarm["StateValue"] for page in pages for alarm in page["MetricAlarms"]}
    return {row: states[name] for row, name in names.items()}


@pytest.mark.parametrize(
    ("wanted", "pattern", "states"),
    [(3, *row) for row in THREE_OF_THREE.items()] + [(2, *row) for row in TWO_OF_THREE.items()],
)
def test_missing_data_count_as_aws_s_tables_say(judged: Judged, wanted: int, pattern: str, states: Any) -> None:
    found = tuple(judged[wanted, pattern, missing] for missing in MISSING)
    assert found == tuple(state or BEFORE for state in states)


@pytest.mark.parametrize(("pattern", "is_alarm"), SPARSE.items())
def test_an_alarm_is_not_premature_when_data_are_sparse(judged: Judged, pattern: str, is_alarm: bool) -> None:
    assert (judged[3, pattern, "missing"] == "ALARM") is is_alarm


def test_an_alarm_without_data_begins_as_insufficient(watched: Watched) -> None:
    watched.put_alarm()
    alarm = watched.described()
    assert (alarm["StateValue"], alarm["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")


def test_m_of_n_needs_m_breaching_minutes_among_the_newest_n(watched: Watched) -> None:
    watched.put_alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    watched.to_the_minute()
    seen = []
    for value in (1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0):
        watched.measure(value)
        watched.to_the_minute()
        seen.append(watched.state)
    assert seen[1:] == ["OK", "OK", "OK", "OK", "ALARM", "OK", "OK"]


def test_an_alarm_looks_at_its_own_dimensions_only(watched: Watched) -> None:
    watched.put_alarm(Dimensions=[{"Name": "store", "Value": "norte"}])
    watched.to_the_minute()
    watched.measure(1.0)
    watched.measure(1.0, Dimensions=[{"Name": "store", "Value": "sur"}])
    watched.to_the_minute()
    assert watched.state == "INSUFFICIENT_DATA"
    watched.measure(1.0, Dimensions=[{"Name": "store", "Value": "norte"}])
    watched.to_the_minute()
    assert watched.state == "ALARM"


def test_metric_math_is_judged_like_a_metric(watched: Watched) -> None:
    def query(name: str, metric: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": watched.namespace, "MetricName": metric}, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, "ReturnData": False}

    watched.put_alarm(
        Namespace=None,
        MetricName=None,
        Statistic=None,
        Period=None,
        Metrics=[
            query("errors", "errors"),
            query("calls", "calls"),
            {"Id": "share", "Expression": "IF(calls > 10, errors / calls, 0)", "ReturnData": True},
        ],
        Threshold=0.2,
    )
    watched.to_the_minute()
    watched.measure(5.0, name="errors")
    watched.measure(8.0, name="calls")
    watched.to_the_minute()
    assert watched.state == "OK"
    watched.measure(5.0, name="errors")
    watched.measure(20.0, name="calls")
    watched.to_the_minute()
    assert watched.state == "ALARM"


def test_a_high_resolution_alarm_is_judged_every_ten_seconds(watched: Watched) -> None:
    watched.put_alarm(Period=10, EvaluationPeriods=3, DatapointsToAlarm=2)
    watched.cloud.advance(10 - watched.now() % 10 + 3)
    for _ in range(2):
        watched.measure(1.0, StorageResolution=1)
        watched.cloud.advance(10)
    assert watched.state == "ALARM"


def test_percentiles_are_judged(watched: Watched) -> None:
    watched.put_alarm(Statistic=None, ExtendedStatistic="p90", Threshold=85.0)
    watched.to_the_minute()
    watched.measure(*range(1, 101))
    watched.to_the_minute()
    assert watched.state == "ALARM"
    assert "90.1" in watched.described()["StateReason"]


def test_a_composite_alarm_follows_the_alarms_in_its_rule(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html ."""
    for noun in ("a", "b"):
        watched.put_alarm(AlarmName=f"{watched.alarm}-{noun}", TreatMissingData="ignore")
    rule = f'ALARM("{watched.alarm}-a") AND NOT ALARM("{watched.alarm}-b")'
    watched.cloudwatch.put_composite_alarm(AlarmName=f"{watched.alarm}-both", AlarmRule=rule)

    def state() -> str:
        names, types = [f"{watched.alarm}-both"], ["CompositeAlarm"]
        answer = watched.cloudwatch.describe_alarms(AlarmNames=names, AlarmTypes=types)
        return str(answer["CompositeAlarms"][0]["StateValue"])

    def set_state(noun: str, value: str) -> None:
        watched.cloudwatch.set_alarm_state(AlarmName=f"{watched.alarm}-{noun}", StateValue=value, StateReason="test")

    set_state("a", "ALARM")
    assert state() == "ALARM"
    set_state("b", "ALARM")
    assert state() == "OK"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm must be less than or equal"),
        ({"Period": 45}, "multiple of 60"),
        ({"TreatMissingData": "perhaps"}, "TreatMissingData must be one of"),
        ({"Statistic": None}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": None, "ExtendedStatistic": "tm90"}, "tm90 is not computed"),
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "not judged on this machine"),
    ],
)
def test_an_alarm_that_cannot_be_judged_is_refused(watched: Watched, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match=said):
        watched.put_alarm(**changes)
    assert watched.cloudwatch.describe_alarms(AlarmNames=[watched.alarm])["MetricAlarms"] == []


def test_putting_an_alarm_again_changes_it_and_keeps_its_state(watched: Watched) -> None:
    watched.put_alarm(TreatMissingData="ignore")
    watched.cloudwatch.set_alarm_state(AlarmName=watched.alarm, StateValue="ALARM", StateReason="test")
    watched.put_alarm(Threshold=2.0, AlarmDescription="higher", TreatMissingData="ignore")
    alarm = watched.described()
    assert (alarm["StateValue"], alarm["Threshold"], alarm["AlarmDescription"]) == ("ALARM", 2.0, "higher")


def test_history_tells_configurations_and_states(watched: Watched) -> None:
    watched.put_alarm()
    watched.cloudwatch.set_alarm_state(AlarmName=watched.alarm, StateValue="ALARM", StateReason="test")
    items = watched.cloudwatch.describe_alarm_history(AlarmName=watched.alarm)["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in items][-2:] == ["StateUpdate", "ConfigurationUpdate"]
    assert items[-2]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    assert json.loads(items[-2]["HistoryData"])["newState"]["stateReason"] == "test"


def test_deleting_alarms_is_all_or_nothing(watched: Watched) -> None:
    watched.put_alarm()
    with pytest.raises(watched.cloudwatch.exceptions.ClientError, match="ResourceNotFound"):
        watched.cloudwatch.delete_alarms(AlarmNames=[watched.alarm, f"{watched.alarm}-none"])
    assert watched.state
    watched.cloudwatch.delete_alarms(AlarmNames=[watched.alarm])
    assert watched.cloudwatch.describe_alarms(AlarmNames=[watched.alarm])["MetricAlarms"] == []


def test_a_month_without_data_is_one_step(watched: Watched) -> None:
    """The stepped clock stops for an alarm only while its state can still change."""
    watched.put_alarm(EvaluationPeriods=3)
    watched.to_the_minute()
    watched.measure(1.0)
    stops = watched.cloud.advance(30 * 24 * 3600)["stops"]
    assert stops < 60
    assert watched.state == "INSUFFICIENT_DATA"
