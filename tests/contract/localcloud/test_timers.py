"""Schedules run by the edge's clock: a day of them takes seconds."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.localcloud.resources import create_queue, create_role, receive, wait_for
from tests.running_cloud import RunningCloud, start_cloud, stop_cloud

HOUR_S = 3600


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[RunningCloud]:
    """Its clock is moved, so no other test may share it."""
    running = start_cloud(tmp_path / "state")
    yield running
    stop_cloud(running)


def set_clock(cloud: RunningCloud, document: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(f"{cloud.url}/_localcloud/clock", data=json.dumps(document).encode())
    with urllib.request.urlopen(request) as response:
        answer: dict[str, Any] = json.loads(response.read())
        return answer


def count_messages(cloud: RunningCloud, queue_url: str) -> int:
    names = ["ApproximateNumberOfMessages"]
    answer = cloud.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_a_rule_fires_once_an_hour_while_a_day_is_advanced(own_cloud: RunningCloud) -> None:
    queue_url, queue_arn = create_queue(own_cloud, "hourly")
    events = own_cloud.client("events")
    events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    target = {"Id": "queue", "Arn": queue_arn, "Input": json.dumps({"detail-type": "Timer", "source": "comal"})}
    events.put_targets(Rule="hourly", Targets=[target])
    answer = set_clock(own_cloud, {"advance_s": 24 * HOUR_S + 60})
    assert answer["stops"] == 24
    assert count_messages(own_cloud, queue_url) == 24
    assert receive(own_cloud, queue_url) == {"detail-type": "Timer", "source": "comal"}
    assert answer["offset_s"] == pytest.approx(24 * HOUR_S + 60, abs=30)


def test_a_schedule_at_a_moment_and_a_nightly_one_fire_at_their_own_times(own_cloud: RunningCloud) -> None:
    queue_url, queue_arn = create_queue(own_cloud, "scheduled")
    role = create_role(own_cloud, "scheduler", [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}])
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=36)
    for name, expression in (("once", f"at({moment:%Y-%m-%dT%H:%M:%S})"), ("nightly", "cron(0 3 * * ? *)")):
        own_cloud.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": queue_arn, "RoleArn": role, "Input": json.dumps({"name": name})},
        )
    set_clock(own_cloud, {"advance_s": 48 * HOUR_S})
    names = sorted(receive(own_cloud, queue_url)["name"] for _ in range(3))
    assert names == ["nightly", "nightly", "once"]
    assert count_messages(own_cloud, queue_url) == 0


def test_events_carry_the_clocks_time_and_signatures_keep_real_time(own_cloud: RunningCloud) -> None:
    queue_url, queue_arn = create_queue(own_cloud, "timed")
    events = own_cloud.client("events")
    events.put_rule(Name="timed", EventPattern=json.dumps({"source": ["comal"]}))
    events.put_targets(Rule="timed", Targets=[{"Id": "queue", "Arn": queue_arn}])
    set_clock(own_cloud, {"advance_s": 30 * 24 * HOUR_S})
    events.put_events(Entries=[{"Source": "comal", "DetailType": "X", "Detail": "{}"}])
    sent = datetime.fromisoformat(receive(own_cloud, queue_url)["time"])
    assert timedelta(days=29) < sent - datetime.now(UTC) < timedelta(days=31)
    arn = create_role(own_cloud, "anybody", [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}])
    keys = own_cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    as_role = own_cloud.client("sqs", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert as_role.list_queues()["QueueUrls"]


def test_a_rule_fires_by_itself_soon_after_it_is_due(own_cloud: RunningCloud) -> None:
    queue_url, queue_arn = create_queue(own_cloud, "soon")
    moment = datetime.now(UTC) + timedelta(seconds=1)
    own_cloud.client("scheduler").create_schedule(
        Name="soon",
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue_arn, "RoleArn": create_role(own_cloud, "soon", []), "Input": "{}"},
    )
    wait_for(lambda: count_messages(own_cloud, queue_url) == 1, "the schedule")


def test_what_has_fired_does_not_fire_again_after_a_restart(tmp_path: Path) -> None:
    first = start_cloud(tmp_path / "state")
    queue_url, queue_arn = create_queue(first, "once")
    moment = datetime.now(UTC) + timedelta(hours=1)
    first.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue_arn, "RoleArn": create_role(first, "once", []), "Input": "{}"},
    )
    events = first.client("events")
    events.put_rule(Name="twice-a-day", ScheduleExpression="rate(12 hours)")
    events.put_targets(Rule="twice-a-day", Targets=[{"Id": "queue", "Arn": queue_arn}])
    assert set_clock(first, {"advance_s": 13 * HOUR_S})["stops"] == 2
    stop_cloud(first)
    second = start_cloud(tmp_path / "state", first.port)
    try:
        assert set_clock(second, {"advance_s": 10 * HOUR_S})["stops"] == 0
        assert count_messages(second, queue_url) == 2
        assert set_clock(second, {"advance_s": 2 * HOUR_S})["stops"] == 1
    finally:
        stop_cloud(second)


def test_a_rule_made_again_under_its_name_and_a_moment_that_was_changed_count_anew(own_cloud: RunningCloud) -> None:
    queue_url, queue_arn = create_queue(own_cloud, "again")
    events, schedules = own_cloud.client("events"), own_cloud.client("scheduler")
    target = {"Arn": queue_arn, "RoleArn": create_role(own_cloud, "again", []), "Input": "{}"}
    for change in (schedules.create_schedule, schedules.update_schedule):
        moment = datetime.fromtimestamp(set_clock(own_cloud, {})["now"], UTC) + timedelta(hours=2)
        change(
            Name="moment",
            ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
        events.put_rule(Name="again", ScheduleExpression="rate(3 hours)")
        events.put_targets(Rule="again", Targets=[{"Id": "queue", "Arn": queue_arn}])
        assert set_clock(own_cloud, {"advance_s": 4 * HOUR_S})["stops"] == 2
        events.remove_targets(Rule="again", Ids=["queue"])
        events.delete_rule(Name="again")
    assert count_messages(own_cloud, queue_url) == 4


@pytest.mark.parametrize("document", [{"advance_s": -1}, {"advance_s": "1h"}, {"advance": 1}])
def test_a_wrong_advance_says_what_is_expected(cloud: RunningCloud, document: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        set_clock(cloud, document)
    with caught.value as response:
        assert "advance_s" in json.loads(response.read())["message"]
