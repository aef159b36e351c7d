import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest

from training.matrix import Matrix
from training.model import TrainedModel
from training.schema import FeatureColumn, ModelSchema
from training.serve.answer import Answers
from training.serve.app import App
from training.serve.decode import Decoder
from training.serve.expiry import Expiry
from training.serve.tables import TableAnswers

MAX_BYTES = 100


@dataclass
class FixedModel:
    """Predicts the same for every row."""

    answer: Any

    def predict(self, matrix: Matrix) -> Any:
        return np.array([self.answer] * len(matrix), np.float32)

    def contributions(self, matrix: Matrix) -> Any:
        outputs = 1 if np.size(self.answer) < 3 else np.size(self.answer)
        return np.full((len(matrix), outputs, 2), [1.5, 0.5])

    def save(self, directory: Any) -> None:
        raise AssertionError


def app(task: str = "regression", answer: Any = 12.3, classes: Iterable[Any] = (), expiry: Expiry | None = None) -> App:
    schema = ModelSchema(
        model="tacos",
        task=task,
        target="y",
        algorithm="linear",
        features=(FeatureColumn(name="x", type="number"),),
        classes=tuple(classes),
    )
    trained = TrainedModel(schema, FixedModel(answer))
    tables = TableAnswers(trained, ("id",), "7")
    return App(Decoder(schema), Answers(trained, "7"), tables, expiry or Expiry(None, "7"), MAX_BYTES)


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: Any
    chunks_read: int


def ask(
    application: App,
    method: str = "POST",
    path: str = "/invocations",
    chunks: Iterable[bytes | None] = (b'{"x": 1}',),
    headers: Iterable[tuple[bytes, bytes]] = ((b"content-type", b"application/json"),),
) -> Answer:
    """One request by the ASGI protocol; a chunk None means that the caller hung up."""
    waiting = list(chunks)
    sent: list[dict[str, Any]] = []
    total = len(waiting)

    async def receive() -> dict[str, Any]:
        chunk = waiting.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    asyncio.run(application(scope, receive, send))
    if not sent:
        return Answer(0, {}, None, total - len(waiting))
    start, body = sent
    answer_headers = dict(start["headers"])
    assert int(answer_headers[b"content-length"]) == len(body["body"])
    return Answer(start["status"], answer_headers, orjson.loads(body["body"]), total - len(waiting))


def test_ping_is_answered():
    assert ask(app(), "GET", "/ping", []).status == 200


def test_a_number_is_answered_with_the_fewest_digits_and_the_models_version():
    assert ask(app()).body == {"predictions": [{"prediction": 12.3}], "model_version": "7"}


def test_two_classes_are_answered_with_the_probability_of_the_second():
    answer = ask(app("binary", [0.75, 0.25], ["no", "yes"]))
    assert answer.body["predictions"] == [{"prediction": "no", "probability": 0.25}]


@pytest.mark.parametrize(
    ("classes", "answered", "keys"),
    [
        (["a", 'b"', "c"], 'b"', ["a", 'b"', "c"]),
        ([1, 2, 3], 2, ["1", "2", "3"]),
        ([False, True], True, ["false", "true"]),
    ],
)
def test_more_classes_are_answered_in_their_own_spelling(classes: list[Any], answered: Any, keys: list[str]):
    probabilities = [0.25, 0.75, 0.0][: len(classes)]
    row = ask(app("multiclass", probabilities, classes)).body["predictions"][0]
    assert row["prediction"] is answered or row["prediction"] == answered
    assert row["probabilities"] == dict(zip(keys, probabilities, strict=True))


def test_a_body_in_chunks_is_put_together():
    assert ask(app(), chunks=[b'{"x"', b": 1", b"}"]).status == 200


def test_a_refusal_names_row_and_column():
    answer = ask(app(), chunks=[b'{"x": "far"}'])
    assert answer.status == 400
    assert answer.body == {"error": "column 'x' of row 0: found 'far', expected a number", "row": 0, "column": "x"}


def test_a_body_that_is_announced_too_long_is_refused_unread():
    answer = ask(app(), headers=[(b"content-length", b"101")])
    assert (answer.status, answer.chunks_read) == (413, 0)
    assert "at most 100 are read" in answer.body["error"]


def test_a_body_that_grows_too_long_is_refused_as_soon_as_it_is():
    answer = ask(app(), chunks=[b"x" * 60] * 10)
    assert (answer.status, answer.chunks_read) == (413, 2)


@pytest.mark.parametrize(("method", "path", "allow"), [("GET", "/invocations", b"POST"), ("POST", "/ping", b"GET")])
def test_another_method_is_refused_with_the_right_one(method: str, path: str, allow: bytes):
    answer = ask(app(), method, path)
    assert (answer.status, answer.headers[b"allow"]) == (405, allow)


def test_another_path_is_not_found():
    answer = ask(app(), "GET", "/metrics")
    assert answer.status == 404
    assert "/ping and /invocations" in answer.body["error"]


def test_a_request_without_a_content_type_is_refused():
    assert ask(app(), headers=[]).status == 415


def test_a_caller_that_hangs_up_gets_nothing():
    assert ask(app(), chunks=[b'{"x"', None]).status == 0


def test_an_expired_model_is_alive_and_refuses_to_predict():
    expired = Expiry(datetime(2026, 3, 1, tzinfo=UTC), "7")
    assert ask(app(expiry=expired), "GET", "/ping", []).status == 200
    answer = ask(app(expiry=expired))
    assert answer.status == 410
    assert "version 7 expired on 2026-03-01" in answer.body["error"]


EXPLAIN = [(b"content-type", b"application/json"), (b"x-amzn-sagemaker-custom-attributes", b"explain=true")]


def test_a_request_that_asks_is_told_what_each_feature_added():
    answer = ask(app(), headers=EXPLAIN).body
    assert answer["predictions"] == [{"prediction": 12.3, "contributions": {"x": 1.5}, "base": 0.5}]
    assert answer["contributions_add_up_to"] == "prediction"


@pytest.mark.parametrize(
    ("attributes", "explains"),
    [
        (b"explain=true", True),
        (b"explain=True", True),
        (b" trace=1 , explain = TRUE ", True),
        (b"trace=a=b;explain=true;", True),
        (b"", False),
        (b"explain", False),
        (b"explain=truely", False),
        (b"noexplain=true", False),
        (b"dont_explain=true;explain=false", False),
        (b"note=\xff;explain=1", False),
    ],
)
def test_only_the_attribute_explain_asks_for_it(attributes: bytes, explains: bool):
    headers = [(b"content-type", b"application/json"), (b"x-amzn-sagemaker-custom-attributes", attributes)]
    assert ("contributions_add_up_to" in ask(app(), headers=headers).body) is explains


def test_of_three_classes_each_is_explained():
    (row,) = ask(app("multiclass", [0.2, 0.3, 0.5], ["a", "b", "c"]), headers=EXPLAIN).body["predictions"]
    assert row["contributions"]["b"] == {"x": 1.5}
    assert row["base"] == {"a": 0.5, "b": 0.5, "c": 0.5}
