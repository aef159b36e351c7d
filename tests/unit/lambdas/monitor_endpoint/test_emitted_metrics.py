"""The handler's messages, and the lines from which CloudWatch makes metrics."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from comal.clients import client
from comal.lambda_environment import LambdaEnvironment
from lambdas.monitor_endpoint.counting import VersionCount
from lambdas.monitor_endpoint.handler import Environment, handle
from lambdas.monitor_endpoint.vital_signs import Signs, metrics_of
from tests.running_cloud import ACCOUNT, REGION, RunningCloud
from tests.unit.lambdas.lambda_stack import Context, sqs_event
from tests.unit.lambdas.monitor_endpoint.monitored_world import NOW, RECIPE, World, line, rows


@pytest.fixture
def world(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(cloud)
    environment = {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "monitor_endpoint",
        "COMAL_STACK": world.names.stack,
        "COMAL_ACCOUNT": ACCOUNT,
        "COMAL_REGION": REGION,
        "COMAL_ALARM_PERIOD_SECONDS": "10",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for cached in (client, LambdaEnvironment.read, Environment.read):
        cached.cache_clear()
    return world


def emitted(text: str) -> list[dict]:
    documents = [json.loads(one) for one in text.splitlines() if one.startswith("{")]
    return [document for document in documents if "_aws" in document]


def test_scores_and_counts_are_emitted_with_the_dimensions_of_the_contract(world, capsys):
    now = datetime.now(UTC).replace(microsecond=0)
    world.put_reference(rows(4000, seed=7))
    lines = [line([row], time=now) for row in rows(120, shift=3)]
    first, second = world.captured(*lines[:60], time=now), world.captured(*lines[60:], time=now)
    assert handle(sqs_event(first, second, first), Context()) == {"batchItemFailures": []}
    (document,) = emitted(capsys.readouterr().out)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "comal"
    assert [sorted(dimensions) for dimensions in directive["Dimensions"]] == [["model", "stack"]]
    assert {metric.get("StorageResolution", 60) for metric in directive["Metrics"]} == {1}
    assert (document["model"], document["stack"]) == ("tacos", world.names.stack)
    assert document["captured_rows"] == [120]
    assert document["drift_score"][0] >= 1
    assert document["_aws"]["Timestamp"] == int(now.timestamp() * 1000)


def test_the_timer_emits_the_scores_again(world, capsys):
    now = datetime.now(UTC).replace(microsecond=0)
    world.put_reference(rows(4000, seed=7))
    handle(sqs_event(world.captured(*(line([row], time=now) for row in rows(100)), time=now)), Context())
    capsys.readouterr()
    tick = {"detail-type": "Timer", "source": "comal", "time": (now + timedelta(minutes=1)).isoformat()}
    handle(sqs_event(tick), Context())
    (document,) = emitted(capsys.readouterr().out)
    assert document["drift_score"][0] < 1
    assert document["no_data_score"][0] == pytest.approx(60 / 86_400)
    assert "captured_rows" not in document


def test_a_message_that_fails_comes_again_and_the_others_do_not(world, capsys):
    now = datetime.now(UTC)
    good = world.captured(line(rows(1), time=now), time=now)
    unknown = {"detail-type": "Surprise", "time": now.isoformat(), "detail": {}}
    answer = handle(sqs_event(unknown, good), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert emitted(capsys.readouterr().out)[0]["captured_rows"] == [1]


def test_before_the_first_deployment_nothing_is_stale():
    found = metrics_of(Signs(), RECIPE, NOW)
    assert found == {"no_data_score": 0.0, "no_labels_score": 0.0}


def test_a_day_after_the_deployment_silence_is_an_alarm():
    signs = Signs(deployed_at=(NOW - timedelta(hours=25)).isoformat())
    assert metrics_of(signs, RECIPE, NOW)["no_data_score"] > 1


def test_captured_rows_break_the_silence():
    signs = Signs(
        versions={1: VersionCount(5, 0, (NOW - timedelta(hours=1)).isoformat())},
        deployed_at=(NOW - timedelta(days=9)).isoformat(),
    )
    assert metrics_of(signs, RECIPE, NOW)["no_data_score"] == pytest.approx(1 / 24)


def test_labels_are_missed_after_their_delay_and_a_day():
    signs = Signs(labelled_at=(NOW - timedelta(days=3, hours=1)).isoformat())
    assert metrics_of(signs, RECIPE, NOW)["no_labels_score"] > 1


@pytest.mark.parametrize(("age_days", "score"), [(0, 0.0), (45, 0.5), (90, 1.0), (99, 1.1)])
def test_a_version_is_at_its_threshold_when_it_expires(age_days, score):
    created = NOW - timedelta(days=age_days)
    signs = Signs(lifetime=(created, created + timedelta(days=90)))
    assert metrics_of(signs, RECIPE, NOW)["expiry_score"] == pytest.approx(score)
