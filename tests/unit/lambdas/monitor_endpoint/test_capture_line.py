"""Lines of capture files: every encoding that SageMaker writes and every body that the container takes."""

import base64
import json
from typing import Any

import pytest

from lambdas.monitor_endpoint.capture_line import UnreadableLineError, read_line
from tests.unit.lambdas.monitor_endpoint.monitored_world import line, rows

FEATURES = ["distance_km", "store"]
ANSWER = {"predictions": [{"prediction": 1.5}, {"prediction": 2.5}], "model_version": "3"}
EXPECTED = [{"distance_km": "1", "store": "centro"}, {"distance_km": "2", "store": "norte"}]


def call(body: str, content_type: str, encoding: str, answer: Any = ANSWER) -> bytes:
    data = base64.b64encode(body.encode()).decode() if encoding == "BASE64" else body
    document = {
        "captureData": {
            "endpointInput": {"observedContentType": content_type, "mode": "INPUT", "data": data, "encoding": encoding},
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": json.dumps(answer),
                "encoding": "JSON",
            },
        },
        "eventMetadata": {"eventId": "e1", "inferenceId": "mine", "inferenceTime": "2026-03-04T12:00:00Z"},
        "eventVersion": "0",
    }
    return json.dumps(document).encode()


@pytest.mark.parametrize("encoding", ["CSV", "BASE64"])
@pytest.mark.parametrize("body", ["1,centro\n2,norte\n", "store,distance_km\ncentro,1\nnorte,2\n"])
def test_csv_is_read_with_and_without_a_header(body, encoding):
    assert read_line(call(body, "text/csv; header=present", encoding), FEATURES).rows == EXPECTED


@pytest.mark.parametrize("body", [EXPECTED, {"instances": EXPECTED}])
@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_json_is_read_as_a_list_and_as_instances(body, encoding):
    found = read_line(call(json.dumps(body), "application/json", encoding), FEATURES)
    assert found.rows == EXPECTED
    assert (found.version, found.event_id, found.row_id(1)) == (3, "e1", "mine/1")


def test_one_object_is_one_row():
    found = read_line(line(rows(1), inference_id="mine"), FEATURES)
    assert found.row_id(0) == "mine"


@pytest.mark.parametrize(
    "bad",
    [
        b"[]",
        b'"text"',
        b"{" * 100_000,
        call("1,centro\n", "text/csv", "CSV"),
        call("1\n2,norte\n", "text/csv", "CSV"),
        call("{}", "application/json", "JSON", {"error": "no"}),
        call("[1, 2]", "application/json", "JSON"),
        call("x", "application/json", "BASE65"),
        call('[{"a": 1}, {"a": 2}]', "application/json", "JSON", {**ANSWER, "model_version": None}),
        call('[{"a": 1}, {"a": 2}]', "application/json", "JSON", {"predictions": [1, 2], "model_version": "1"}),
    ],
)
def test_whatever_else_stands_there_is_said_to_be_unreadable(bad):
    with pytest.raises(UnreadableLineError):
        read_line(bad, FEATURES)
