"""Acting as a role inside the edge: sessions for it, the IAM judgement on it, and signed calls by it."""

import hashlib
import json
import os
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ministack.core import iam_evaluator
from ministack.services import sts

NAMES = {
    "ministack.core.iam_evaluator": ("enforce", "_anonymous", "_signed_request"),
    "ministack.services.sts": ("_sessions", "register_session"),
}

_CALL_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class RoleSession:
    """Credentials of an assumed role; the same role and name give the same credentials."""

    role_arn: str
    access_key: str
    secret_key: str
    token: str


class AwsCallError(Exception):
    """A service of the edge refused a call.

    Attributes:
        code: AWS's error code.
        message: AWS's message.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def assume(role_arn: str, session_name: str) -> RoleSession:
    """A session of the role, as AWS's own services get one from its trust policy."""
    account, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    digest = hashlib.sha256(f"{role_arn}:{session_name}".encode()).hexdigest()
    access_key = f"ASIA{digest[:16].upper()}"
    # A job that outlived the last edge still signs with the secret it was given then.
    known = sts._sessions.get(access_key, {})
    secret, token = (known.get(name) or secrets.token_hex(32) for name in ("SecretAccessKey", "SessionToken"))
    session = RoleSession(role_arn, access_key, secret, token)
    record = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name[:64]}",
        "UserId": f"{role_name}:{session_name[:64]}",
        "SecretAccessKey": session.secret_key,
        "SessionToken": session.token,
    }
    sts.register_session(session.access_key, record)
    return session


def denial(session: RoleSession, action: str, resource_arn: str, region: str) -> str | None:
    """None when the role's policies allow the action, else AWS's sentence about the refusal."""
    # The context may still hold the request that set all this off; this judgement is on the role alone.
    iam_evaluator._anonymous.set(False)
    iam_evaluator._signed_request.set(None)
    denied = iam_evaluator.enforce(session.access_key, action, action.partition(":")[0], region, resource_arn)
    if denied is None:
        return None
    principal = getattr(denied, "principal_arn", session.role_arn)
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource_arn}"


def call(session: RoleSession, signing_name: str, target: str, region: str, document: dict[str, Any]) -> dict[str, Any]:
    """A signed JSON-RPC call to the edge; `target` is its `X-Amz-Target`, as `SageMaker.CreateTrainingJob`.

    Raises:
        AwsCallError: The service refused.
        OSError: The edge did not answer.
    """
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    signed = AWSRequest(
        "POST", os.environ["AWS_ENDPOINT_URL"] + "/", headers=headers, data=json.dumps(document).encode()
    )
    credentials = Credentials(session.access_key, session.secret_key, session.token)
    SigV4Auth(credentials, signing_name, region).add_auth(signed)
    prepared = signed.prepare()
    request = urllib.request.Request(prepared.url, prepared.body, dict(prepared.headers.items()))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_CALL_TIMEOUT_S) as response:  # noqa: S310  (our own port)
            answer: dict[str, Any] = json.loads(response.read() or b"{}")
            return answer
    except urllib.error.HTTPError as error:
        with error:
            refusal = json.loads(error.read() or b"{}")
        code = str(refusal.get("__type", "InternalFailure")).rsplit("#", 1)[-1]
        raise AwsCallError(code, refusal.get("message", refusal.get("Message", "")), error.code) from None
