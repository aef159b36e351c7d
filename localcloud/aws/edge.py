"""The one port: calls for our own services are authorised and answered here, all others go on to MiniStack."""

import json
import logging
import uuid
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any, Protocol

from localcloud.aws.protocols import PROTOCOLS, ProtocolError
from localcloud.aws.request import Request, Response
from localcloud.aws.routing import Target, find_target, read_credential_scope
from localcloud.aws.service import Judged, Judgement, Service

logger = logging.getLogger("localcloud.edge")

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
AdminHandler = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

# InvokeEndpoint's payload limit, the largest of our services'.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
MAX_BODY_BYTES = 25 * 1024 * 1024
DEFAULT_REGION = "us-east-1"
_ROLE_FIELDS = ("RoleArn", "ExecutionRoleArn")
_ADMIN_PREFIX = "/_localcloud/"
# zlib's sign for a gzip header.
_GZIP = 16 + zlib.MAX_WBITS
_UNSIGNED_PREFIXES = (_ADMIN_PREFIX, "/_ministack/", "/_localstack/")


class _BodyTooLargeError(Exception):
    """The caller sends more than `MAX_BODY_BYTES`."""


class Authorizer(Protocol):
    """What the edge needs of an identity provider; MiniStack's is in `ministack_patches.identity`."""

    def begin(self, scope: Scope, access_key: str, region: str) -> str:
        """Pins account, region and signed request for this task; returns the account id."""
        ...

    def authenticate(self, body: bytes) -> None:
        """Adds the body as it arrived to the signed request; `authorize` then verifies the signature."""
        ...

    def authorize(
        self, access_key: str, action: str, region: str, resource_arn: str, context: Mapping[str, str]
    ) -> Response | None:
        """None when the signature holds and IAM allows the action, else the refusal."""
        ...


class Edge:
    """ASGI application over our own services and one upstream application."""

    def __init__(
        self,
        services: Sequence[Service],
        upstream: AsgiApp,
        authorizer: Authorizer,
        admin: Mapping[str, AdminHandler] | None = None,
    ) -> None:
        """Composes our own services with the application that answers everything else.

        Args:
            services: Our own services; a name without a service stays MiniStack's.
            upstream: Answers everything else, lifespan and WebSocket included.
            authorizer: Verifies signatures and judges policies.
            admin: Handlers of `/_localcloud/<name>`, which need no signature: the port is bound to loopback.
        """
        self._services = {service.name: service for service in services}
        self._upstream = upstream
        self._authorizer = authorizer
        self._admin = dict(admin or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP call, or forward it; wrap the upstream's lifespan around our own."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._upstream(scope, receive, send)
            return
        path: str = scope["path"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if path.startswith(_UNSIGNED_PREFIXES) and "origin" in headers:
            # Pages without a signature, such as MiniStack's reset, are for this machine's user, not for a web site
            # that a browser on this machine shows.
            await _send(send, Response.error("AccessDeniedException", "Not from a web page.", 403))
            return
        if path.startswith(_ADMIN_PREFIX):
            await _send(send, await self._answer_admin(path.removeprefix(_ADMIN_PREFIX), receive))
            return
        credential = read_credential_scope(headers.get("authorization", ""))
        target = find_target(scope["method"], path, headers.get("x-amz-target", ""), credential)
        if target is None or target.service not in self._services:
            await self._upstream(scope, receive, send)
            return
        access_key, region = (credential.access_key, credential.region) if credential else ("", DEFAULT_REGION)
        try:
            response = await self._answer(scope, receive, target, headers, access_key, region)
        except _BodyTooLargeError:
            refusal = Response.error("ValidationError", f"The body is larger than {MAX_BODY_BYTES} bytes", 413)
            response = _encoded(target, refusal)
        except Exception:
            logger.exception("%s %s failed", target.service, target.operation)
            failure = Response.error("InternalFailure", "The local cloud failed; its log has the reason.", 500)
            response = _encoded(target, failure)
        await _send(send, response)

    async def _answer(
        self, scope: Scope, receive: Receive, target: Target, headers: dict[str, str], access_key: str, region: str
    ) -> Response:
        account = self._authorizer.begin(scope, access_key, region)
        raw = await _read_body(receive, headers)
        body: dict[str, Any] | bytes = raw
        if not target.is_rest:
            try:
                call = PROTOCOLS[target.protocol].decode(target.service, target.operation, _decompressed(raw, headers))
            except ProtocolError as error:
                return _encoded(target, Response.error("SerializationException", str(error)))
            body, target = call.document, replace(target, operation=call.operation)
        request = Request(
            service=target.service,
            operation=target.operation,
            body=body,
            headers=headers,
            method=scope["method"],
            path=scope["path"],
            account=account,
            region=region,
            access_key=access_key,
            path_parameters=target.path_parameters,
            query_string=scope.get("query_string", b"").decode("latin-1"),
        )
        service = self._services[target.service]
        self._authorizer.authenticate(raw)
        return _encoded(target, self._refuse(request, target, service) or await service.handle(request))

    def _refuse(self, request: Request, target: Target, service: Service) -> Response | None:
        action = f"{target.signing_name}:{request.operation}"
        if isinstance(service, Judged):
            judged = service.judgements(request)
        else:
            judged = (Judgement(action, service.resource_arn(request)),)
        for one in judged:
            denied = self._authorizer.authorize(
                request.access_key, one.action, request.region, one.resource_arn, one.context
            )
            if denied:
                return denied
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
        context = {"iam:PassedToService": f"{target.signing_name}.amazonaws.com"}
        for role_arn in _passed_roles(request):
            denied = self._authorizer.authorize(request.access_key, "iam:PassRole", request.region, role_arn, context)
            if denied:
                return denied
        return None

    async def _answer_admin(self, name: str, receive: Receive) -> Response:
        handler = self._admin.get(name)
        if handler is None:
            return Response.error("NotFound", f"No such page: {name}. There are: {', '.join(sorted(self._admin))}", 404)
        document = _parse_document(await _read_body(receive, {}))
        if document is None:
            return Response.error("SerializationException", "The body is not a JSON object.")
        try:
            return Response.json(await handler(document))
        except ValueError as error:
            return Response.error("ValidationException", str(error))

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        started: list[Service] = []

        async def receive_and_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                for service in reversed(started):
                    await service.stop()
            return message

        async def start_and_send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                for service in self._services.values():
                    started.append(service)
                    await service.start()
            await send(message)

        await self._upstream(scope, receive_and_stop, start_and_send)


def _encoded(target: Target, response: Response) -> Response:
    if target.is_rest:
        return response
    return PROTOCOLS[target.protocol].encode(target.service, target.operation, response)


def _decompressed(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without its compression, which some SDKs put on large ones.

    Raises:
        ProtocolError: It is not compressed as it says.
        _BodyTooLargeError: It is too large without it.
    """
    if headers.get("content-encoding") != "gzip":
        return body
    reader = zlib.decompressobj(_GZIP)
    try:
        content = reader.decompress(body, MAX_BODY_BYTES)
    except zlib.error:
        raise ProtocolError("The body is not compressed by gzip.") from None
    if reader.unconsumed_tail:
        raise _BodyTooLargeError
    return content


def _passed_roles(request: Request) -> list[str]:
    """The roles that a call hands to the service, to act as them later."""
    if isinstance(request.body, bytes) or not request.operation.startswith(("Create", "Update")):
        return []
    # A tuning job's role stands in the definition of its training jobs.
    definition = request.body.get("TrainingJobDefinition")
    holders = [request.body, *([definition] if isinstance(definition, dict) else [])]
    found = [holder.get(name) for holder in holders for name in _ROLE_FIELDS]
    return [role_arn for role_arn in found if isinstance(role_arn, str)]


def _parse_document(raw: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(raw or b"{}")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


async def _read_body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise _BodyTooLargeError
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _BodyTooLargeError
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _send(send: Send, response: Response) -> None:
    headers = {
        "x-amzn-requestid": str(uuid.uuid4()),
        "date": formatdate(usegmt=True),
        **response.headers,
        "content-length": str(len(response.body)),
    }
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})
