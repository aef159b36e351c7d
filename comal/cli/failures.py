"""The one place that turns an error into what a person reads and into an exit code."""

from dataclasses import dataclass
from typing import Any

from botocore import exceptions as aws
from typer import Exit
from typer.core import TyperGroup

from comal.cli.console import complain
from comal.errors import ComalError, UserError

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130

_LOGIN = "Log in (`aws configure sso`, or keys in the environment), or choose the stack `local`."


@dataclass(frozen=True)
class Explanation:
    """What to print about an error, and the exit code."""

    message: str
    next_step: str
    exit_code: int = FAILED


class Guarded(TyperGroup):
    """A command group whose commands never show a traceback for an error that we understand."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print what went wrong and what to do next."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain("Interrupted.", "What runs in the cloud goes on: `comal status` shows it.")
            raise Exit(INTERRUPTED) from None
        except Exception as error:
            explanation = explain(error)
            if explanation is None:
                raise
            complain(explanation.message, explanation.next_step)
            raise Exit(explanation.exit_code) from error


def explain(error: Exception) -> Explanation | None:
    """What to say about an error; None for a fault of our own, whose traceback is wanted."""
    if isinstance(error, ComalError):
        return Explanation(error.message, error.next_step, WRONG_INPUT if isinstance(error, UserError) else FAILED)
    if type(error).__module__.startswith("localcloud."):
        message = getattr(error, "message", str(error))
        return Explanation(message, getattr(error, "next_step", ""))
    if isinstance(error, aws.ClientError):
        return _client_error(error)
    if isinstance(error, aws.BotoCoreError):
        return _connection_error(error)
    return None


def _connection_error(error: aws.BotoCoreError) -> Explanation:
    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError | aws.CredentialRetrievalError):
        return Explanation("There are no usable AWS credentials.", _LOGIN)
    if isinstance(error, aws.TokenRetrievalError | aws.SSOError):
        return Explanation("The AWS single sign-on session has expired.", "Run: aws sso login")
    if isinstance(error, aws.ProfileNotFound):
        return Explanation(str(error).rstrip(".") + ".", "Mend aws:profile in the stack file, or make the profile.")
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        url = error.kwargs.get("endpoint_url", "AWS")
        return Explanation(
            f"{url} does not answer ({type(error).__name__}).",
            "Check the network; for the stack `local` run `comal cloud start`.",
        )
    return Explanation(f"{type(error).__name__}: {error}", "Run: comal doctor")


def _client_error(error: aws.ClientError) -> Explanation:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    operation = error.operation_name
    if code in {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}:
        return Explanation("The AWS session has expired.", _LOGIN)
    if code in {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId"}:
        return Explanation(f"AWS does not accept the credentials ({code}).", _LOGIN)
    if code.startswith(("AccessDenied", "Unauthorized")) or code == "403":
        return Explanation(
            f"These credentials may not call {operation}: {said}",
            f"Ask whoever owns the account for {operation}, or use another profile.",
        )
    if "Throttl" in code or code in {"TooManyRequestsException", "SlowDown", "ProvisionedThroughputExceededException"}:
        return Explanation(f"AWS throttles {operation}, also after five tries.", "Wait a minute and try again.")
    if code in {"NoSuchBucket", "ResourceNotFoundException", "StateMachineDoesNotExist"}:
        return Explanation(f"{operation}: {said}", "The stack seems not to be up. Run: comal up")
    return Explanation(f"{operation} failed: {said} ({code})", "Run: comal doctor")
