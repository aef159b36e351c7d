"""`comal logs` against a real CloudWatch Logs."""

import contextlib
import json
import time

import pytest


@pytest.fixture
def write(account):
    client = account.target.client("logs")

    def write(group: str, *messages: str) -> None:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
            client.create_log_stream(logGroupName=group, logStreamName="one")
        now_ms = int(time.time() * 1000)
        events = [{"timestamp": now_ms + number, "message": message} for number, message in enumerate(messages)]
        client.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)

    return write


def test_function_lines_are_those_of_invocations_that_name_the_model_or_failed(comal, account, write):
    group = f"/aws/lambda/{account.target.names.shared('validate_batch')}"
    write(group, *("START RequestId: 1", "read a file", "it is of tacos", "END RequestId: 1", "REPORT RequestId: 1"))
    write(group, *("START RequestId: 2", "it is of bikes", "END RequestId: 2"))
    write(group, *("START RequestId: 3", "Traceback (most recent call last):", "KeyError: 'x'", "END RequestId: 3"))
    result = comal("logs", "function", "tacos", "-s", account.stack, "--json")
    assert result.exit_code == 0, result.output
    messages = [json.loads(line)["message"] for line in result.stdout.splitlines()]
    assert messages == ["read a file", "it is of tacos", "Traceback (most recent call last):", "KeyError: 'x'"]


def test_endpoint_lines_are_cut_to_the_number_asked_for(comal, account, write):
    write(f"/aws/sagemaker/Endpoints/{account.target.names.of_model('tacos')}", "first", "second", "third")
    result = comal("logs", "endpoint", "tacos", "-n", "2", "-s", account.stack)
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["second", "third"]


def test_a_log_that_does_not_exist_is_said_to_be_empty(comal, account):
    result = comal("logs", "endpoint", "tacos", "-s", account.stack)
    assert result.exit_code == 0
    assert "no lines" in result.stderr
