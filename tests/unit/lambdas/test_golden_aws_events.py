import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from comal.names import Names
from lambdas.deploy_model.handler import model_of_event
from lambdas.request_training.messages import Message, read_message
from lambdas.request_training.run import EndedRun
from tests.running_cloud import REPOSITORY
from tests.unit.comal.registry_samples import make_names

EVENTS: Path = REPOSITORY / "tests/events"
OTHERS = [Names("prod", "000000000000", "us-east-1"), Names("de", "000000000000", "us-east-1")]


def _golden(name: str) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return envelope


def test_the_end_of_an_execution_is_read() -> None:
    ended = EndedRun(
        "0123456789ab", "FAILED", "States.TaskFailed: AlgorithmError: The 3 held-out rows do not define auc."
    )
    assert read_message(make_names(), _golden("aws_states_execution_status_change")) == Message(
        datetime(2026, 3, 1, 12, 10, 3, tzinfo=UTC), "tacos", ended=ended
    )


def test_an_execution_that_has_just_started_ends_nothing() -> None:
    envelope = _golden("aws_states_execution_status_change")
    envelope["detail"] |= {"status": "RUNNING", "stopDate": None, "error": None, "cause": None}
    message = read_message(make_names(), envelope)
    assert message is not None
    assert message.ended is None


@pytest.mark.parametrize("names", OTHERS, ids=lambda names: names.stack)
def test_executions_of_other_stacks_are_passed_over(names: Names) -> None:
    assert read_message(names, _golden("aws_states_execution_status_change")) is None


@pytest.mark.parametrize("event", ["aws_sagemaker_model_package_state_change", "aws_sagemaker_endpoint_state_change"])
def test_sagemakers_events_name_their_model(event: str) -> None:
    assert model_of_event(make_names(), _golden(event)) == "tacos"
    for names in OTHERS:
        assert model_of_event(names, _golden(event)) is None


def test_a_package_without_a_group_is_nobodys() -> None:
    envelope = _golden("aws_sagemaker_model_package_state_change")
    del envelope["detail"]["ModelPackageGroupName"]
    assert model_of_event(make_names(), envelope) is None


def test_an_event_that_the_function_does_not_know_is_an_error() -> None:
    with pytest.raises(KeyError):
        read_message(make_names(), {"detail-type": "BatchRejektet", "time": "2026-03-01T12:00:00Z", "detail": {}})
