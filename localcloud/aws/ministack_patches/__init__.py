"""Everything that reaches into MiniStack's private names, checked against the pinned version when it starts.

One module a noun, one small function a patch; `tests/contract/localcloud` has a conformance test for each. Importing
this package imports MiniStack, which reads its settings from the environment: `environment.py` must come first.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence

from localcloud.aws.clock import AllTimers, Clock, Timers
from localcloud.aws.metrics import Telemetry
from localcloud.aws.ministack_patches import (
    activity,
    calls,
    conditions,
    event_bus,
    execution_metrics,
    executions,
    function_environment,
    function_metrics,
    identity,
    layers,
    log_lines,
    log_streams,
    object_events,
    queue_levels,
    queues,
    roles,
    rule_metrics,
    saving,
    schedules,
    step_functions,
    substrate,
    timers,
    workers,
)
from localcloud.aws.routing import read_credential_scope

_PATCHES = (
    calls,
    conditions,
    event_bus,
    execution_metrics,
    executions,
    function_environment,
    function_metrics,
    identity,
    layers,
    log_lines,
    log_streams,
    object_events,
    queue_levels,
    queues,
    roles,
    saving,
    schedules,
    step_functions,
    timers,
    workers,
)
# Real seconds that what one timer sets off may take while the clock is advanced: a training job, with patience.
_IDLE_TIMEOUT_S = 600.0


class Substrate:
    """MiniStack, patched: an ASGI application, and what has to happen around its life."""

    def __init__(
        self, state_dir: Path, clock: Clock, telemetry: Telemetry | None, other_timers: Sequence[Timers]
    ) -> None:
        """Checks MiniStack and applies every patch.

        Args:
            state_dir: Where everything is kept.
            clock: The edge's.
            telemetry: Takes what MiniStack's services measure and log; None: nobody does.
            other_timers: What fires by it beside MiniStack's own.

        Raises:
            SubstrateError: Not the MiniStack that the patches were written for.
            OSError: The state directory cannot be written.
        """
        substrate.check_version()
        for patch in _PATCHES:
            substrate.check_names(patch.NAMES)
        self.clock = clock
        self._timers = AllTimers([timers.MiniStackTimers(), *other_timers])
        self._saver = saving.Saver(Path(persistence.STATE_DIR), self._may_have_changed)
        layer_store = layers.LayerStore(state_dir / "layers")
        self.calls = calls.Calls()
        calls.install(self.calls)
        identity.install()
        conditions.install()
        event_bus.install()
        object_events.install(clock)
        queues.install()
        layers.install(layer_store)
        log_streams.install()
        workers.install(workers.Runtime(layer_store, state_dir / "lambda-runtime"))
        executions.install()
        step_functions.install()
        schedules.install()
        if telemetry is not None:
            queue_levels.install(telemetry, clock)
            function_metrics.install(telemetry, clock)
            log_lines.install(telemetry)
            execution_metrics.install(telemetry, clock)
            rule_metrics.install(telemetry, clock)
        timers.install(self.clock)
        saving.install(self._saver)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """MiniStack's application; its lifespan is wrapped by ours."""
        if scope["type"] != "lifespan":
            activity.note()
            if _is_removal_by_a_role(scope):
                # S3 writes at once and the others later: what led to a removal must not be forgotten after a kill.
                await asyncio.to_thread(self._saver.save_all)
            await app.app(scope, receive, send)
            activity.note()
            return

        async def receive_and_stop() -> dict[str, Any]:
            message: dict[str, Any] = await receive()
            if message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(workers.stop_workers)
            return message

        async def start_and_send(message: dict[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._saver.start()
                executions.announce_interrupted()
            await send(message)

        await app.app(scope, receive_and_stop, start_and_send)

    async def set_clock(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """`{"advance_s": 3600}` moves the clock on; `{}` only asks. Answers with the time and the offset.

        Raises:
            ValueError: Something else was sent, or what a timer set off does not end.
        """
        stops = 0
        if document:
            seconds = document.get("advance_s")
            if set(document) != {"advance_s"} or not isinstance(seconds, int | float) or seconds < 0:
                raise ValueError(f'{dict(document)} was sent; {{"advance_s": seconds, 0 or more}} is expected.')
            stops = await asyncio.to_thread(self._advance, seconds)
        return {"now": self.clock.now(), "offset_s": self.clock.offset_s, "stops": stops}

    def _may_have_changed(self) -> bool:
        if not self._timers.is_idle():
            activity.note()
        return activity.is_recent()

    def _advance(self, seconds: float) -> int:
        try:
            return self.clock.advance(seconds, self._timers, _IDLE_TIMEOUT_S)
        except TimeoutError as error:
            raise ValueError(str(error)) from None


def _is_removal_by_a_role(scope: Mapping[str, Any]) -> bool:
    """Whether a function or job deletes one object of S3, `DELETE /bucket/key`; a person who does knows why.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (keys of a role's session: ASIA)
    """
    if scope.get("method") != "DELETE" or scope["path"].strip("/").count("/") < 1:
        return False
    credential = read_credential_scope(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
    return credential is not None and credential.signing_name == "s3" and credential.access_key.startswith("ASIA")
