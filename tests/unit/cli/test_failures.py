"""Errors, as a person reads them."""

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from comal.cli.failures import FAILED, INTERRUPTED, WRONG_INPUT, explain
from comal.errors import AlgorithmError, DataError, PlatformError, RecipeError
from localcloud.errors import PortTakenError


def client_error(code: str, message: str = "said AWS") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutObject")


@pytest.mark.parametrize("error", [kind("bad key", next_step="Mend it.") for kind in (RecipeError, DataError)])
def test_what_the_user_gave_us_is_exit_code_2(error):
    explanation = explain(error)
    assert (explanation.exit_code, explanation.next_step) == (WRONG_INPUT, "Mend it.")


@pytest.mark.parametrize("error", [PlatformError("down"), AlgorithmError("cannot")])
def test_what_the_user_cannot_mend_is_exit_code_1(error):
    assert explain(error).exit_code == FAILED


def test_errors_of_the_local_cloud_keep_their_next_step():
    explanation = explain(PortTakenError("4566 is taken by nginx (7).", "Run: comal cloud start --port 4600"))
    assert explanation.message == "4566 is taken by nginx (7)."
    assert "--port 4600" in explanation.next_step


@pytest.mark.parametrize(
    ("error", "message", "next_step"),
    [
        (NoCredentialsError(), "no usable AWS credentials", "Log in"),
        (TokenRetrievalError(provider="sso", error_msg="x"), "has expired", "aws sso login"),
        (ProfileNotFound(profile="acme"), "acme", "aws:profile"),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:4566"),
            "127.0.0.1:4566 does not answer",
            "cloud start",
        ),
        (client_error("AccessDenied"), "may not call PutObject", "PutObject"),
        (client_error("AccessDeniedException"), "may not call PutObject", "PutObject"),
        (client_error("ThrottlingException"), "throttles PutObject", "again"),
        (client_error("ExpiredToken"), "has expired", "Log in"),
        (client_error("InvalidClientTokenId"), "does not accept the credentials", "Log in"),
        (client_error("NoSuchBucket"), "said AWS", "comal up"),
        (client_error("Odd"), "PutObject failed: said AWS (Odd)", "comal doctor"),
    ],
)
def test_errors_of_aws_read_as_sentences(error, message, next_step):
    explanation = explain(error)
    assert message in explanation.message
    assert next_step in explanation.next_step


def test_a_fault_of_our_own_keeps_its_traceback():
    assert explain(KeyError("bug")) is None


def test_outside_a_clone_every_command_says_so(comal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = comal("status")
    assert result.exit_code == WRONG_INPUT
    assert "not inside a clone of comal" in result.stderr
    assert "Traceback" not in result.output


def test_a_stack_that_does_not_exist_is_an_input_error_that_names_the_stacks(comal, clone):
    result = comal("status", "-s", "staging")
    assert result.exit_code == WRONG_INPUT
    assert "dev, local" in result.stderr


def test_ctrl_c_ends_with_130(comal, clone, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("comal.cli.status.open_target", interrupted)
    result = comal("status")
    assert result.exit_code == INTERRUPTED
    assert "Interrupted" in result.stderr


def test_without_credentials_a_stack_on_aws_asks_to_log_in(comal, clone):
    result = comal("status", "-s", "dev")
    assert result.exit_code == FAILED
    assert "no usable AWS credentials" in result.stderr
