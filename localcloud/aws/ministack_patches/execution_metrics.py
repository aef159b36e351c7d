"""Step Functions' own metrics; MiniStack has none.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
"""

from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from localcloud.aws.clock import Clock
from localcloud.aws.metrics import Datum, Metrics

NAMES = {"ministack.services.stepfunctions": ("_emit_execution_status_event",)}

_METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def install(metrics: Metrics, clock: Clock) -> None:
    """Counts where a change of an execution's status is told. Its own event is wrapped, so `executions` comes first."""
    stepfunctions._emit_execution_status_event = _counted(stepfunctions._emit_execution_status_event, metrics, clock)


def _counted(
    original: Callable[[dict[str, Any]], None], metrics: Metrics, clock: Clock
) -> Callable[[dict[str, Any]], None]:
    def emit(execution: dict[str, Any]) -> None:
        machine = execution["stateMachineArn"]
        region, account = machine.split(":")[3:5]
        name = _METRICS.get(execution["status"])
        if name is not None:
            dimensions = {"StateMachineArn": machine}
            datum = Datum(name, [1.0], clock.now(), dimensions, "Count", high_resolution=True)
            metrics.put(account, region, "AWS/States", [datum])
        original(execution)

    return emit
