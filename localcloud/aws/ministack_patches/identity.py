"""SigV4 and IAM for our own services, judged by the evaluator that MiniStack uses for its own."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from ministack import app
from ministack.core import iam_evaluator, responses

from localcloud.aws.request import Response

# What AWS's JSON protocols call the failures that the evaluator names as the Query protocol does.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_JSON_CODES = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "InvalidToken": "UnrecognizedClientException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
}


NAMES = {
    "ministack.app": ("_request_account_scope", "pin_request_origin"),
    "ministack.core.iam_evaluator": (
        "AuthError",
        "enforce",
        "pin_request_origin",
        "pin_signed_body",
        "pin_signed_request",
    ),
    "ministack.core.responses": (
        "get_account_id",
        "set_request_account_id",
        "set_request_client_ip",
        "set_request_region",
    ),
}


def install() -> None:
    """Presents calls over loopback as secure transport.

    Nothing leaves the machine, and a bucket policy that denies `aws:SecureTransport = false`, as AWS recommends,
    would else deny every call to a port without TLS.
    """

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        del secure_transport
        iam_evaluator.pin_request_origin(source_ip, secure_transport=True)

    app.pin_request_origin = pin_request_origin


class MiniStackAuthorizer:
    """The edge's `Authorizer` over MiniStack's users, roles, sessions and policies."""

    def begin(self, scope: dict[str, Any], access_key: str, region: str) -> str:
        """Pins what the evaluator reads from context variables; each ASGI task has its own."""
        client_ip = (scope.get("client") or ("127.0.0.1",))[0]
        responses.set_request_client_ip(client_ip)
        iam_evaluator.pin_request_origin(client_ip, secure_transport=True)
        responses.set_request_account_id(app._request_account_scope(access_key))
        responses.set_request_region(region)
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        # The edge takes credentials from the header alone; what the query says is only part of what they signed.
        query_string = scope.get("query_string", b"").decode("latin-1") if access_key else ""
        query = parse_qs(query_string, keep_blank_values=True)
        iam_evaluator.pin_signed_request(scope["method"], raw_path.decode("latin-1"), query, scope["headers"])
        account: str = responses.get_account_id()
        return account

    def authenticate(self, body: bytes) -> None:
        """Completes the pinned request; the evaluator verifies its signature when it first judges it."""
        iam_evaluator.pin_signed_body(body)

    def authorize(
        self, access_key: str, action: str, region: str, resource_arn: str, context: Mapping[str, str]
    ) -> Response | None:
        """None when allowed; else the refusal in AWS's wording, HTTP 400 as SageMaker's API sends it."""
        service = action.partition(":")[0]
        denied = iam_evaluator.enforce(access_key, action, service, region, resource_arn, dict(context))
        if denied is None:
            return None
        if isinstance(denied, iam_evaluator.AuthError):
            return Response.error(_JSON_CODES.get(denied.code, denied.code), denied.message)
        reason = (
            "with an explicit deny in an identity-based policy"
            if denied.decision == "Deny"
            else f"because no identity-based policy allows the {action} action"
        )
        message = f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: {resource_arn} "
        return Response.error("AccessDeniedException", message + reason)
