"""What a person reads when an endpoint refuses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.stub import Stubber

from comal.cli.invoke import ask
from comal.cli.repository import Repository
from comal.cli.request_body import from_text
from comal.cli.target import Target
from comal.clients import Connection
from comal.errors import ComalError
from tests.unit.comal.registry_samples import make_names
from training.serve.expiry import Expiry
from training.serve.refusal import RefusalError


@pytest.fixture
def target(tmp_path: Path) -> Target:
    connection = Connection("eu-west-1", access_key="test", secret_key="test")
    return Target(Repository(tmp_path), "dev", connection)


@pytest.fixture
def endpoint(target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    runtime = target.client("sagemaker-runtime")
    monkeypatch.setattr(Target, "client", lambda _target, _service: runtime)
    monkeypatch.setattr(Target, "names", make_names())
    with Stubber(runtime) as stubber:
        yield stubber


def refusal(target: Target, endpoint: Stubber, status: int, message: str) -> ComalError:
    answered = {"OriginalStatusCode": status, "OriginalMessage": message}
    endpoint.add_client_error("invoke_endpoint", "ModelError", http_status_code=424, modeled_fields=answered)
    with pytest.raises(ComalError) as caught:
        ask(target, "tacos", from_text('{"basket_size": 3}', dict))
    return caught.value


def test_an_expired_version_is_told_in_sentences_with_the_command_that_trains_another(target, endpoint):
    with pytest.raises(RefusalError) as expired:
        Expiry(datetime(2026, 3, 1, tzinfo=UTC), "3").check()
    told = refusal(target, endpoint, 410, json.dumps({"error": expired.value.message}))
    assert told.message == (
        "version 3 expired on 2026-03-01 00:00 UTC, and its recipe says registry.when_expired: refuse; "
        "train or promote another."
    )
    assert told.next_step == 'Train another: comal retrain tacos --reason "the version expired" -s dev'


def test_an_endpoint_that_fails_is_told_with_the_command_that_shows_its_log(target, endpoint):
    assert refusal(target, endpoint, 500, "boom").next_step == "Run: comal logs endpoint tacos -s dev"
