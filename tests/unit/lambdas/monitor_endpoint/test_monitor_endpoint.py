"""monitor_endpoint against real S3, DynamoDB and EventBridge of the local cloud."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from comal import events
from comal.errors import PlatformError
from tests.running_cloud import RunningCloud
from tests.unit.lambdas.monitor_endpoint.monitored_world import NOW, RECIPE, World, line, predicted, rows


@pytest.fixture
def world(cloud: RunningCloud) -> World:
    return World(cloud)


@pytest.fixture
def trained(world: World) -> World:
    world.put_reference(rows(4000, seed=7))
    return world


def window_report(world: World) -> dict:
    (key,) = [key for key in world.keys("monitoring/") if key.endswith(".json")]
    return json.loads(world.read(key))


def test_captured_rows_lie_typed_in_the_lake(world):
    asked = rows(3)
    world.handle(world.captured(line(asked[:1], inference_id="order-1"), line(asked[1:], base64_sides=True)))
    (key,) = world.keys("captured/")
    assert key.startswith("captured/tacos/v1/dt=2026-03-04/")
    table = pq.read_table(io.BytesIO(world.read(key)))
    assert table.column("inference_id")[0].as_py() == "order-1"
    assert table.column("inference_id")[2].as_py().endswith("/1")
    assert table.column("model_version").to_pylist() == [1, 1, 1]
    for name in RECIPE.features:
        assert table.column(name).to_pylist() == [row[name] for row in asked]
    assert table.column("prediction").to_pylist() == [predicted(row) for row in asked]


def test_normal_traffic_scores_below_the_threshold(trained):
    trained.put_validated(rows(500, seed=9))
    done = trained.handle(trained.captured(*(line([row]) for row in rows(100))))
    assert done.counts == {"captured_rows": 100}
    report = window_report(trained)
    assert (report["rows"], report["look"], report["version"]) == (100, 1, 1)
    assert max(report["drift_score"], report["prediction_drift_score"], report["skew_score"]) < 1
    assert report["next_steps"] == ["Nothing to do: no score has reached its threshold of 1."]
    assert report["warnings"] == []


def test_drifted_traffic_is_reported_scored_and_announced(trained):
    trained.put_validated(rows(500, seed=9))
    trained.handle(trained.captured(*(line([row]) for row in rows(100, shift=3))))
    report = window_report(trained)
    assert report["drift_score"] >= 1
    assert report["prediction_drift_score"] >= 1
    assert report["skew_score"] >= 1
    assert "distance_km" in report["next_steps"][0]
    (page,) = [key for key in trained.keys("monitoring/") if key.endswith(".html")]
    html = trained.read(page).decode()
    assert html.count("<svg") >= 5
    assert "<script" not in html
    (event,) = [events.parse(envelope) for envelope in trained.heard()]
    assert isinstance(event, events.DriftScored)
    assert event.columns["distance_km"] == event.drift_score == report["drift_score"]
    assert trained.metrics()["drift_score"] == report["drift_score"]


def test_a_thousand_deliveries_count_once(trained):
    envelope = trained.captured(*(line([row]) for row in rows(150)))
    trained.handle(envelope)
    before = trained.s3.list_object_versions(Bucket=trained.lake)["Versions"]
    monitoring = trained.monitoring
    assert [trained.handle(envelope).counts for _ in range(1000)] == [{}] * 1000
    assert monitoring.table.versions("tacos")[1].rows == 150
    assert trained.s3.list_object_versions(Bucket=trained.lake)["Versions"] == before
    assert len(trained.heard()) == 1


def test_a_file_that_is_written_twice_counts_once(trained):
    lines = [line([row]) for row in rows(60)]
    trained.handle(trained.captured(*lines, name="same"))
    trained.handle(trained.captured(*lines, name="same"))
    assert trained.monitoring.table.versions("tacos")[1].rows == 60


def test_a_window_spans_files_and_versions_have_windows_of_their_own(trained):
    trained.put_reference(rows(4000, seed=7), version=2)
    for number in range(6):
        trained.handle(
            trained.captured(*(line([row], version=1 + place % 2) for place, row in enumerate(rows(40, number))))
        )
    found = sorted(events.parse(envelope).version for envelope in trained.heard())
    assert found == [1, 2]
    assert {version: count.rows for version, count in trained.monitoring.table.versions("tacos").items()} == {
        1: 120,
        2: 120,
    }


def test_looks_count_up_within_a_week_and_begin_anew_in_the_next(trained):
    for number in range(3):
        trained.handle(trained.captured(*(line([row]) for row in rows(100, number))))
    later = NOW + timedelta(days=7)
    trained.handle(trained.captured(*(line([row], time=later) for row in rows(100, 3)), time=later))
    assert sorted(events.parse(envelope).looked_at for envelope in trained.heard()) == [1, 1, 2, 3]


def test_scores_are_repeated_until_the_next_window_or_for_a_day(trained):
    trained.handle(trained.captured(*(line([row]) for row in rows(100, shift=3))))
    assert trained.metrics(timedelta(hours=23))["drift_score"] >= 1
    assert "drift_score" not in trained.metrics(timedelta(hours=25))
    trained.handle(trained.captured(*(line([row]) for row in rows(100, seed=2))))
    assert trained.metrics()["drift_score"] < 1


def test_a_new_version_silences_the_scores_of_the_old_one(trained):
    trained.handle(trained.captured(*(line([row]) for row in rows(100, shift=3))))
    trained.handle(trained.captured(line(rows(1), version=2, time=NOW + timedelta(minutes=1))))
    assert "drift_score" not in trained.metrics(timedelta(minutes=2))


def test_a_version_without_a_profile_is_counted_and_not_judged(world):
    world.handle(world.captured(*(line([row]) for row in rows(100))))
    report = window_report(world)
    assert report["drift_score"] is None
    assert "no reference profile yet" in report["warnings"][0]


def test_lines_that_cannot_be_read_are_counted_and_cost_nothing_else(trained):
    done = trained.handle(trained.captured(b"not json\n", line(rows(2)), b'{"captureData": {}}\n'))
    assert done.counts == {"captured_rows": 2, "unreadable_calls": 2}
    assert "JSONDecodeError" in done.log


def test_a_file_of_a_model_without_a_recipe_is_passed_over(world):
    envelope = world.put(world.capture, "burritos/e/AllTraffic/2026/03/04/12/a.jsonl", line(rows(1)), NOW)
    assert world.handle(envelope).models == []


def test_files_that_come_at_once_share_the_counters(trained):
    envelopes = [trained.captured(*(line([row]) for row in rows(30, number))) for number in range(8)]

    def deliver(envelope: dict) -> None:
        try:
            trained.handle(envelope)
        except PlatformError:  # the counters were busy: the queue brings the message again
            trained.handle(envelope)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, envelopes * 2))
    assert trained.monitoring.table.versions("tacos")[1].rows == 240
    found = {events.parse(envelope).window_id: events.parse(envelope).looked_at for envelope in trained.heard()}
    assert sorted(found.values()) == [1, 2]
    assert {key.rpartition("/")[2].partition(".")[0] for key in trained.keys("monitoring/")} == set(found)
