"""What endpoints tell CloudWatch about calls: counted on the way, put together once a second by a thread.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
On AWS these metrics come by the minute. Here they are kept by the second, so that alarms with 10-second periods work.
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

from localcloud.aws.clock import Clock
from localcloud.aws.metrics import Datum, Metrics
from localcloud.aws.sagemaker.processor_use import ProcessorUse
from localcloud.aws.sagemaker.routes import Routes
from localcloud.aws.sagemaker.scope import Scope

logger = logging.getLogger("localcloud.sagemaker.metrics")

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
_FLUSH_S = 1.0
# AWS samples by the minute; alarms of local stacks look every 10 s.
_SAMPLE_EVERY_FLUSHES = 5
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call that reached a container, or should have.

    Attributes:
        endpoint: Name of the endpoint.
        instances: How many instances the variant had.
        status: The container's HTTP status; 500 when it gave none.
        moment: When it was answered, in epoch seconds by the edge's clock.
        model_s: Seconds between sending it to the container and its answer.
        total_s: Seconds in which SageMaker answered, the check of its signature left out.
    """

    scope: Scope
    endpoint: str
    variant: str
    instances: int
    status: int
    moment: float
    model_s: float
    total_s: float


class EndpointMetrics:
    """The queue of calls, and the thread that empties it and looks at the processes."""

    def __init__(self, metrics: Metrics, clock: Clock, routes: Routes) -> None:
        self._metrics = metrics
        self._clock = clock
        self._routes = routes
        self._queue: deque[Invocation] = deque()
        self._use = ProcessorUse()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sagemaker-metrics", daemon=True)

    def count(self, invocation: Invocation) -> None:
        """Counts a call; costs the caller next to nothing."""
        self._queue.append(invocation)

    def start(self) -> None:
        """Begins to publish."""
        self._thread.start()

    def stop(self) -> None:
        """Ends with what is counted."""
        self._stopping.set()
        self._thread.join(timeout=5)
        self.flush()

    def flush(self) -> None:
        """Publishes what was counted since the last time."""
        counted: dict[Scope, list[Invocation]] = {}
        while True:
            try:
                invocation = self._queue.popleft()
            except IndexError:  # empty; the clock's thread may have been here too
                break
            counted.setdefault(invocation.scope, []).append(invocation)
        for scope, invocations in counted.items():
            self._metrics.put(scope.account, scope.region, INVOCATIONS, invocation_data(invocations))

    def _run(self) -> None:
        flushes = 0
        while not self._stopping.wait(_FLUSH_S):
            try:
                self.flush()
                flushes += 1
                if flushes % _SAMPLE_EVERY_FLUSHES == 0:
                    self._sample()
            except Exception:  # a thread that ended would end every metric
                logger.exception("Metrics of endpoints could not be published")

    def _sample(self) -> None:
        for fleet in self._routes.all():
            for variant in fleet.plan:
                pids = [instance.pid for instance in fleet.instances if instance.variant == variant.name]
                used = self._use.read([pid for pid in pids if pid is not None], variant.instance_type)
                dimensions = {"EndpointName": fleet.endpoint, "VariantName": variant.name}
                data = [
                    Datum(name, values, self._clock.now(), dimensions, "Percent", high_resolution=True)
                    for name, values in used.items()
                    if values
                ]
                if data:
                    self._metrics.put(fleet.scope.account, fleet.scope.region, INSTANCES, data)
                # "If a variant's traffic becomes zero, … SageMaker emits metrics with a value of zero."
                # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-edit.html
                quiet = _datum("InvocationsPerInstance", [0.0], int(self._clock.now()), dimensions, "None")
                self._metrics.put(fleet.scope.account, fleet.scope.region, INVOCATIONS, [quiet])


def invocation_data(invocations: Iterable[Invocation]) -> list[Datum]:
    """The metrics of some calls of one account, by endpoint, variant and second."""
    groups: dict[tuple[str, str, int], list[Invocation]] = {}
    for invocation in invocations:
        key = (invocation.endpoint, invocation.variant, int(invocation.moment))
        groups.setdefault(key, []).append(invocation)
    data: list[Datum] = []
    for (endpoint, variant, second), calls in groups.items():
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        values = {
            "Invocations": [1.0] * len(calls),
            # A 0 for every other call: the average is the share of errors.
            "Invocation4XXErrors": [float(400 <= call.status < 500) for call in calls],
            "Invocation5XXErrors": [float(call.status >= 500) for call in calls],
            "InvocationsPerInstance": [1 / max(1, call.instances) for call in calls],
        }
        latencies = {
            "ModelLatency": [round(call.model_s * _MICROSECONDS) for call in calls],
            "OverheadLatency": [max(0, round((call.total_s - call.model_s) * _MICROSECONDS)) for call in calls],
        }
        data += [_datum(name, measured, second, dimensions, "None") for name, measured in values.items()]
        data += [_datum(name, measured, second, dimensions, "Microseconds") for name, measured in latencies.items()]
    return data


def _datum(name: str, measured: Iterable[float], second: int, dimensions: dict[str, str], unit: str) -> Datum:
    counted = Counter(measured)
    return Datum(
        name,
        [float(value) for value in counted],
        float(second),
        dimensions,
        unit,
        counts=[float(count) for count in counted.values()],
        high_resolution=True,
    )
