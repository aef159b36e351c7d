"""InvokeEndpoint: a call goes to a container's Unix socket and back.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import asyncio
import json
import random
import time

from localcloud.aws.clock import Clock
from localcloud.aws.request import Request, Response
from localcloud.aws.sagemaker.capture_files import CaptureFiles
from localcloud.aws.sagemaker.data_capture import CapturePlan, Exchange
from localcloud.aws.sagemaker.endpoint_metrics import EndpointMetrics, Invocation
from localcloud.aws.sagemaker.endpoints import INVOCATION_TIMEOUT_S
from localcloud.aws.sagemaker.fleet import LOG_GROUP_PREFIX, Fleet
from localcloud.aws.sagemaker.instance import Instance
from localcloud.aws.sagemaker.routes import Routes
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import VariantPlan
from localcloud.aws.sagemaker.socket_http import ContainerGoneError, ContainerResponse

# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html ("Maximum payload size for endpoint invocation")
REALTIME_PAYLOAD_BYTES = 6 * 1024 * 1024
SERVERLESS_PAYLOAD_BYTES = 4 * 1024 * 1024
_READY_POLL_S = 0.01
# A call that a process did not survive is tried on one more.
_MAX_DEATHS = 1
# What SageMaker hands on to the container.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_FORWARDED = {
    "content-type": b"content-type",
    "accept": b"accept",
    "x-amzn-sagemaker-custom-attributes": b"x-amzn-sagemaker-custom-attributes",
    "x-amzn-sagemaker-inference-id": b"x-amzn-sagemaker-inference-id",
    "x-amzn-sagemaker-target-variant": b"x-amzn-sagemaker-target-variant",
}
_RETURNED = {
    b"content-type": "content-type",
    b"x-amzn-sagemaker-custom-attributes": "x-amzn-sagemaker-custom-attributes",
}


class RuntimeService:
    """The service `sagemaker-runtime`."""

    name = "sagemaker-runtime"

    def __init__(
        self,
        routes: Routes,
        clock: Clock,
        captures: CaptureFiles,
        metrics: EndpointMetrics,
        payload_bytes: int = REALTIME_PAYLOAD_BYTES,
    ) -> None:
        self._routes = routes
        self._clock = clock
        self._captures = captures
        self._metrics = metrics
        self._payload_bytes = payload_bytes

    def resource_arn(self, request: Request) -> str:
        """The endpoint's ARN."""
        return Scope(request.account, request.region).arn("endpoint", request.path_parameters["name"])

    async def start(self) -> None:
        """Remembers the loop on which calls are made."""
        self._routes.bind(asyncio.get_running_loop())

    async def stop(self) -> None:
        """Nothing of its own to end: the fleets belong to the control plane."""

    async def handle(self, request: Request) -> Response:
        """Answers one call."""
        started = time.perf_counter()
        if request.operation != "InvokeEndpoint":
            return _refusal("ValidationError", f"{request.operation} is not available on this machine.")
        body = request.body if isinstance(request.body, bytes) else b""
        scope, name = Scope(request.account, request.region), request.path_parameters["name"]
        fleet = self._routes.find(scope, name)
        if fleet is None:
            return _refusal("ValidationError", f"Endpoint {name} of account {request.account} not found.")
        wanted = request.headers.get("x-amzn-sagemaker-target-variant")
        variant = _choose_variant(fleet, wanted)
        if variant is None:
            return _refusal("ValidationError", f"Variant {wanted} not found for endpoint {name}.")
        limit = self._payload_bytes if variant.serverless is None else SERVERLESS_PAYLOAD_BYTES
        if len(body) > limit:
            return _refusal(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length "
                f"less than or equal to {limit}",
            )
        headers = [
            (theirs, request.headers[ours].encode("latin-1"))
            for ours, theirs in _FORWARDED.items()
            if ours in request.headers
        ]
        try:
            async with asyncio.timeout(INVOCATION_TIMEOUT_S):
                answer = await self._call(scope, name, variant.name, headers, body)
        except TimeoutError:
            self._count(scope, name, variant, None, started)
            message = "Your invocation timed out while waiting for a response from container primary."
            return _model_error(scope, name, variant, 0, message)
        except ContainerGoneError:
            self._count(scope, name, variant, None, started)
            message = "The container ended before it answered."
            return _model_error(scope, name, variant, 0, message)
        self._count(scope, name, variant, answer, started)
        if not 200 <= answer.status < 300:
            return _model_error(scope, name, variant, answer.status, answer.body.decode(errors="replace"))
        if fleet.capture is not None and fleet.capture.draws():
            self._captures.take(self._exchange(fleet.capture, request, name, variant, body, answer))
        returned = {
            ours: answer.headers[theirs].decode("latin-1")
            for theirs, ours in _RETURNED.items()
            if theirs in answer.headers
        }
        return Response(200, answer.body, {**returned, "x-amzn-invoked-production-variant": variant.name})

    def _count(
        self, scope: Scope, endpoint: str, variant: VariantPlan, answer: ContainerResponse | None, started: float
    ) -> None:
        total_s = time.perf_counter() - started
        status, model_s = (answer.status, answer.latency_s) if answer is not None else (500, total_s)
        moment = self._clock.now()
        self._metrics.count(
            Invocation(scope, endpoint, variant.name, variant.instances, status, moment, model_s, total_s)
        )

    def _exchange(
        self,
        plan: CapturePlan,
        request: Request,
        endpoint: str,
        variant: VariantPlan,
        body: bytes,
        answer: ContainerResponse,
    ) -> Exchange:
        return Exchange(
            plan=plan,
            endpoint=endpoint,
            variant=variant.name,
            role_arn=variant.role_arn,
            region=request.region,
            moment=self._clock.now(),
            request_type=request.headers.get("content-type", ""),
            request_body=body,
            answer_type=answer.headers.get(b"content-type", b"").decode("latin-1"),
            answer_body=answer.body,
            inference_id=request.headers.get("x-amzn-sagemaker-inference-id", ""),
            custom_attributes=request.headers.get("x-amzn-sagemaker-custom-attributes", ""),
        )

    async def _call(
        self, scope: Scope, name: str, variant: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> ContainerResponse:
        """Asks a process of the variant; once more when that process died over the call."""
        deaths = 0
        while True:
            # Looked up each time: an update may replace the fleet while a call waits for a process.
            fleet = self._routes.find(scope, name)
            instance = _least_busy(fleet, variant) if fleet is not None else None
            if instance is None:
                await asyncio.sleep(_READY_POLL_S)
                continue
            instance.in_flight += 1
            try:
                return await instance.connections.post(b"/invocations", headers, body, fresh=deaths > 0)
            except ContainerGoneError as error:
                deaths += error.delivered
                if deaths > _MAX_DEATHS:
                    raise
            finally:
                instance.in_flight -= 1
            await asyncio.sleep(_READY_POLL_S)


def _choose_variant(fleet: Fleet, wanted: str | None) -> VariantPlan | None:
    if wanted is not None:
        return next((variant for variant in fleet.plan if variant.name == wanted), None)
    if len(fleet.plan) == 1:
        return fleet.plan[0]
    weights = [variant.weight for variant in fleet.plan]
    return random.choices(fleet.plan, weights if any(weights) else None)[0]  # noqa: S311  (shares of traffic, no secret)


def _least_busy(fleet: Fleet, variant: str) -> Instance | None:
    ready = [instance for instance in fleet.instances if instance.ready and instance.variant == variant]
    return min(ready, key=lambda instance: instance.in_flight) if ready else None


def _model_error(scope: Scope, name: str, variant: VariantPlan, status: int, message: str) -> Response:
    kind = "client" if 400 <= status < 500 else "server"
    group = LOG_GROUP_PREFIX + name
    region, account = scope.region, scope.account
    document = {
        "Message": f'Received {kind} error ({status}) from primary with message "{message}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} in "
        f"account {account} for more information.",
        "OriginalStatusCode": status,
        "OriginalMessage": message,
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
    }
    headers = {"content-type": "application/json", "x-amzn-errortype": "ModelError"}
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html (HTTP 424)
    return Response(424, json.dumps(document).encode(), {**headers, "x-amzn-invoked-production-variant": variant.name})


def _refusal(code: str, message: str) -> Response:
    body = json.dumps({"Message": message}).encode()
    return Response(400, body, {"content-type": "application/json", "x-amzn-errortype": code})
