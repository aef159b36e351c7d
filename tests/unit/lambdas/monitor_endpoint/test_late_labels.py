"""Late labels against real S3 and DynamoDB: joined whatever the order, refused with a reason."""

import json
from datetime import timedelta

import pytest

from comal.recipe import Recipe
from tests.running_cloud import RunningCloud
from tests.unit.lambdas.monitor_endpoint.monitored_world import NOW, RECIPE, World, line, predicted, rows


@pytest.fixture
def world(cloud: RunningCloud) -> World:
    return World(cloud)


def captured(world: World, count: int = 40, version: int = 1) -> list[dict]:
    asked = rows(count, seed=version)
    named = [line([row], inference_id=f"v{version}-{place}", version=version) for place, row in enumerate(asked)]
    world.handle(world.captured(*named))
    return asked


def label_file(
    asked: list[dict], error: float = 0.0, observed_at: str = "2026-03-04T13:00:00Z", version: int = 1
) -> bytes:
    lines = [f"v{version}-{place},{predicted(row) + error},{observed_at}" for place, row in enumerate(asked)]
    return "\n".join(["inference_id,label,observed_at", *lines]).encode()


def quality(world: World) -> dict:
    return json.loads(world.monitoring.table.noted("tacos", "quality")["scores"])


def report(world: World) -> dict:
    (key,) = [key for key in world.keys("monitoring/") if "labels-" in key]
    return json.loads(world.read(key))


def test_labels_give_the_live_metric_with_its_interval(world):
    asked = captured(world)
    done = world.handle(world.labels(label_file(asked, error=0.4)))
    assert done.counts == {"labelled_rows": 40}
    found = quality(world)
    assert (found["metric"], found["rows"], found["version"]) == ("rmse", 40, 1)
    assert found["value"] == pytest.approx(0.4)
    assert found["quality_score"] < 1
    metrics = world.metrics()
    assert metrics["live_rmse"] == pytest.approx(0.4)
    assert metrics["quality_score"] == found["quality_score"]


def test_labels_that_contradict_the_model_score_above_the_threshold(world):
    world.handle(world.labels(label_file(captured(world), error=3.0)))
    assert world.metrics()["quality_score"] >= 1


def test_the_label_observed_last_wins_whatever_comes_first(world):
    asked = captured(world)
    world.handle(world.labels(label_file(asked, error=0.1, observed_at="2026-03-04T15:00:00Z"), name="second.csv"))
    world.handle(world.labels(label_file(asked, error=5.0, observed_at="2026-03-04T14:00:00Z"), name="first.csv"))
    assert quality(world)["value"] == pytest.approx(0.1)


def test_labels_that_come_before_their_calls_are_joined_by_the_timer(world):
    asked = rows(40, seed=1)
    world.handle(world.labels(label_file(asked)))
    assert "quality_score" not in world.metrics()
    captured(world)
    later = (NOW + timedelta(minutes=2)).isoformat()
    world.handle({"detail-type": "Timer", "source": "comal", "time": later})
    assert quality(world)["rows"] == 40
    world.handle({"detail-type": "Timer", "source": "comal", "time": later})
    assert quality(world)["scored_at"] == "2026-03-04T12:02:00Z"


def test_labels_of_another_version_do_not_judge_the_serving_one(world):
    asked = captured(world, version=1)
    world.handle(world.captured(line(rows(1), version=2, time=NOW + timedelta(minutes=1))))
    world.handle(world.labels(label_file(asked, error=9.0)))
    assert "quality_score" not in world.metrics(timedelta(minutes=2))


def test_rows_are_named_by_entity_and_event_time_as_well(world):
    asked = [
        {**row, "order_id": f"o{place}", "ordered_at": f"2026-03-04T10:{place:02d}:00Z"}
        for place, row in enumerate(rows(40))
    ]
    world.handle(world.captured(line(asked)))
    labels = [f"{row['order_id']},{row['ordered_at']},{predicted(row) + 0.2},2026-03-04T12:00:00Z" for row in asked]
    world.handle(world.labels("\n".join(["order_id,ordered_at,label,observed_at", *labels]).encode()))
    assert quality(world)["value"] == pytest.approx(0.2)


def test_classes_are_judged_by_their_probabilities(world):
    recipe = Recipe.model_validate({**RECIPE.model_dump(), "task": "binary", "target": "late"})
    world.put_recipe(recipe)
    lines = []
    for place, row in enumerate(rows(40)):
        captured_call = json.loads(line([row], inference_id=f"v1-{place}"))
        answer = {
            "predictions": [{"prediction": place % 2, "probability": 0.9 if place % 2 else 0.1}],
            "model_version": "1",
        }
        captured_call["captureData"]["endpointOutput"]["data"] = json.dumps(answer)
        lines.append(json.dumps(captured_call).encode() + b"\n")
    world.handle(world.captured(*lines))
    labels = [f"v1-{place},{place % 2}.0,2026-03-04T12:00:00Z" for place in range(40)]
    world.handle(world.labels("\n".join(["inference_id,label,observed_at", *labels]).encode()))
    assert quality(world)["value"] == pytest.approx(0.10536, abs=1e-4)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"id,label\n1,2\n", "found columns id, label, expected inference_id (or order_id and ordered_at), label and"),
        (b"inference_id,label,observed_at\na,many,2026-03-04T12:00:00Z\n", "column 'label': found a value"),
        (b"inference_id,label,observed_at\na,1,yesterday\n", "column 'observed_at'"),
        (b"inference_id,label,observed_at\n", "at least one row"),
        (b"\x1f\x8bnot csv", "gzip"),
        (b"", ""),
    ],
)
def test_a_bad_file_is_refused_once_with_a_reason(world, content, told):
    envelope = world.labels(content)
    done = world.handle(envelope)
    assert done.counts == {"refused_label_files": 1}
    found = report(world)
    assert found["status"] == "refused"
    assert told in "; ".join(found["problems"])
    assert found["problems"]
    assert world.keys("labels/") == []
    assert world.handle(envelope).counts == {}
