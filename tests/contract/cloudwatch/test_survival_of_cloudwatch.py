"""kill -9 of the edge: what CloudWatch has answered is still there, and what was to be told is told."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.contract.cloudwatch.conftest import Watched, messages, queue_arn
from tests.contract.localcloud.resources import wait_for
from tests.running_cloud import start_cloud, stop_cloud


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    survivor = Watched(start_cloud(tmp_path))
    yield survivor
    stop_cloud(survivor.cloud)


def kill_and_restart(watched: Watched) -> None:
    watched.cloud.process.kill()
    watched.cloud.process.wait()
    watched.cloud.process = start_cloud(watched.cloud.state_dir, watched.cloud.port).process


def total(watched: Watched) -> float:
    now = watched.now()
    answer = watched.cloudwatch.get_metric_statistics(
        Namespace=watched.namespace,
        MetricName="sales",
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
        ExtendedStatistics=["p50"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


def test_what_was_answered_outlives_kill_9(watched: Watched) -> None:
    watched.put_alarm(Tags=[{"Key": "team", "Value": "tacos"}], TreatMissingData="ignore")
    watched.cloudwatch.set_alarm_state(AlarmName=watched.alarm, StateValue="ALARM", StateReason="test")
    before = watched.described()
    body = json.dumps({"widgets": []})
    watched.cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=body)
    for _ in range(5):
        watched.measure(1.0)
    kill_and_restart(watched)
    assert total(watched) == 5.0
    assert watched.described() == before
    assert watched.cloudwatch.get_dashboard(DashboardName="shop")["DashboardBody"] == body
    assert watched.cloudwatch.list_tags_for_resource(ResourceARN=before["AlarmArn"])["Tags"]
    items = watched.cloudwatch.describe_alarm_history(AlarmName=watched.alarm)["AlarmHistoryItems"]
    assert {item["HistoryItemType"] for item in items} == {"ConfigurationUpdate", "StateUpdate"}
    watched.put_alarm(TreatMissingData="notBreaching")
    wait_for(lambda: watched.state == "OK", "a judgement after the restart")


def test_whoever_was_to_be_told_of_a_change_is_told_after_the_restart(watched: Watched, queue: str) -> None:
    events = watched.cloud.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [watched.alarm]}}
    events.put_rule(Name=watched.namespace, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=watched.namespace, Targets=[{"Id": "queue", "Arn": queue_arn(watched)}])
    watched.put_alarm(TreatMissingData="ignore")
    saved = watched.cloud.state_dir / "ministack"

    def is_saved() -> Any:
        texts = [path.read_text() for path in saved.rglob("*.json")]
        return sum(queue_arn(watched) in text for text in texts) >= 2  # the queue, and the rule's target

    wait_for(is_saved, "MiniStack's rules and queues on disk")
    watched.cloud.process.kill()
    watched.cloud.process.wait()
    leave_a_change(watched)
    watched.cloud.process = start_cloud(watched.cloud.state_dir, watched.cloud.port).process
    (event,) = messages(watched, queue, 1)
    assert event["detail"]["state"]["reason"] == "just before the kill"
    assert event["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"


def leave_a_change(watched: Watched) -> None:
    """Brings the store into the state between a change of an alarm and its event."""
    database = sqlite3.connect(watched.cloud.state_dir / "cloudwatch/cloudwatch.db")
    with closing(database):
        where = "from documents where kind='alarm' and name=?"
        account, region, text = database.execute(
            f"select account, region, document {where}", (watched.alarm,)
        ).fetchone()
        alarm = json.loads(text) | {"StateValue": "ALARM", "StateReason": "just before the kill"}
        previous = {"value": "INSUFFICIENT_DATA", "reason": "test", "timestamp": "2026-03-02T08:00:00.000+0000"}
        change = json.dumps({"alarm": alarm, "previous": previous})
        database.execute("insert into documents values ('change', ?, ?, '0', ?)", (account, region, change))
        database.commit()
