"""Which fleet answers for which endpoint now; swapped whole, so no request falls between two fleets."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from localcloud.aws.sagemaker.fleet import Fleet
from localcloud.aws.sagemaker.instance import Instance
from localcloud.aws.sagemaker.scope import Scope

_DRAIN_POLL_S = 0.02


class Routes:
    """The endpoints that take calls. Read by the event loop, changed by any thread."""

    def __init__(self) -> None:
        self._fleets: dict[tuple[Scope, str], Fleet] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Says which loop makes the calls."""
        self._loop = loop

    def find(self, scope: Scope, endpoint: str) -> Fleet | None:
        """The fleet behind an endpoint, or None."""
        return self._fleets.get((scope, endpoint.lower()))

    def all(self) -> list[Fleet]:
        """Every fleet that takes calls."""
        return list(self._fleets.values())

    def set(self, scope: Scope, endpoint: str, fleet: Fleet) -> Fleet | None:
        """Sends all calls that begin from now on to a fleet; returns the one before."""
        key = (scope, endpoint.lower())
        before = self._fleets.get(key)
        self._fleets[key] = fleet
        return before

    def remove(self, scope: Scope, endpoint: str) -> Fleet | None:
        """Ends an endpoint's traffic; returns its fleet."""
        return self._fleets.pop((scope, endpoint.lower()), None)

    def drain(self, instances: Sequence[Instance], timeout_s: float) -> None:
        """Waits until processes that are routed no more have answered their last call; not on the event loop."""
        # A call that has just read the old route has not counted itself yet; one turn of the loop later it has.
        self._run(_turn())
        deadline = time.monotonic() + timeout_s
        while any(instance.in_flight for instance in instances) and time.monotonic() < deadline:
            time.sleep(_DRAIN_POLL_S)
        self._run(_close(instances))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None or self._loop.is_closed():
            work.close()
            return
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=5)


async def _turn() -> None:
    """Does nothing, in its turn."""


async def _close(instances: Sequence[Instance]) -> None:
    for instance in instances:
        instance.connections.close()
