"""Lambda's own metrics, for every way in which a function is called; MiniStack counts direct calls only.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import responses
from ministack.services import lambda_svc

from localcloud.aws.clock import Clock
from localcloud.aws.metrics import Datum, Metrics

NAMES = {
    "ministack.core.responses": ("get_account_id", "get_region"),
    "ministack.services.lambda_svc": ("_emit_lambda_metrics", "_execute_function_dispatch"),
}

_NAMESPACE = "AWS/Lambda"


def install(metrics: Metrics, clock: Clock) -> None:
    """Counts where every call passes."""

    def publish(function: str, values: Mapping[str, float]) -> None:
        now = clock.now()
        # By function, and of all functions together. By the second, so that short local alarm periods see them.
        data = [
            Datum(name, [value], now, dimensions, _unit(name), high_resolution=True)
            for name, value in values.items()
            for dimensions in ({"FunctionName": function}, {})
        ]
        metrics.put(responses.get_account_id(), responses.get_region(), _NAMESPACE, data)

    def emit_throttle(function_name: str, duration_ms: float, *, error: bool, throttle: bool) -> None:
        del duration_ms, error  # a call that runs is counted where it runs
        if throttle:
            publish(function_name, {"Throttles": 1.0})

    lambda_svc._emit_lambda_metrics = emit_throttle
    lambda_svc._execute_function_dispatch = _measured(lambda_svc._execute_function_dispatch, publish)


def _measured(
    original: Callable[..., dict[str, Any]], publish: Callable[[str, Mapping[str, float]], None]
) -> Callable[..., dict[str, Any]]:
    def execute(function: Any, config: Mapping[str, Any], *arguments: Any) -> dict[str, Any]:
        started = time.perf_counter()
        result = original(function, config, *arguments)
        duration_ms = (time.perf_counter() - started) * 1000
        failed = float(bool(result.get("error")))
        values = {"Invocations": 1.0, "Errors": failed, "Throttles": 0.0, "Duration": duration_ms}
        publish(config["FunctionName"], values)
        return result

    return execute


def _unit(name: str) -> str:
    return "Milliseconds" if name == "Duration" else "Count"
