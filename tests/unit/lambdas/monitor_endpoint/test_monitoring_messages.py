"""What the messages of monitor_endpoint's queue mean, read from golden events."""

import copy
import json
from datetime import UTC, datetime

import pytest

from lambdas.monitor_endpoint.messages import CaptureFile, Deployed, LabelFile, Timer, read_message
from tests.running_cloud import REPOSITORY
from tests.unit.comal.registry_samples import make_names

CREATED = json.loads((REPOSITORY / "tests/events/aws_s3_object_created.json").read_text())
DEPLOYED = json.loads((REPOSITORY / "tests/events/ModelDeployed.json").read_text())
KEY = "tacos/dev-tacos/AllTraffic/2026/03/02/08/4a4b0f0e.jsonl"


def created(key: str, bucket: str = "landing") -> dict:
    envelope = copy.deepcopy(CREATED)
    envelope["detail"]["bucket"]["name"] = make_names().bucket(bucket)
    envelope["detail"]["object"]["key"] = key
    return envelope


def test_a_capture_file_is_known_by_its_key_whatever_its_version():
    first, second = created(KEY, "capture"), created(KEY, "capture")
    second["detail"]["object"]["version-id"] = "another"
    found, again = (read_message(make_names(), one) for one in (first, second))
    assert isinstance(found, CaptureFile)
    assert found.model == "tacos"
    assert found.file_id == again.file_id


def test_a_label_file_is_known_by_its_version():
    first, second = created("labels/tacos/week 1.csv"), created("labels/tacos/week 1.csv")
    second["detail"]["object"]["version-id"] = "another"
    found, again = (read_message(make_names(), one) for one in (first, second))
    assert isinstance(found, LabelFile)
    assert (found.model, found.size_bytes) == ("tacos", 5)
    assert found.file_id != again.file_id


@pytest.mark.parametrize("key", ["labels/tacos/", "labels/tacos", "incoming/tacos/week1.csv", "labels/"])
def test_folders_and_other_objects_are_passed_over(key):
    assert read_message(make_names(), created(key)) is None


def test_a_deployment_and_the_timer_are_read():
    assert read_message(make_names(), DEPLOYED) == Deployed("tacos", datetime.fromisoformat(DEPLOYED["time"]))
    tick = {"source": "comal", "detail-type": "Timer", "time": "2026-03-02T08:00:00Z"}
    assert read_message(make_names(), tick) == Timer(datetime(2026, 3, 2, 8, tzinfo=UTC))


def test_an_event_that_the_function_does_not_know_is_an_error():
    with pytest.raises(KeyError):
        read_message(make_names(), {**CREATED, "detail-type": "Object Deleted"})
