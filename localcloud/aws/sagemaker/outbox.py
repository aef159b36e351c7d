"""Sends the stored events to EventBridge, in order, and again after a restart until what they set off is on disk.

A kill may so send an event twice, as AWS does; none is lost.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.aws.sagemaker.store import Store
from localcloud.aws.unkept import Unkept

logger = logging.getLogger("localcloud.sagemaker.outbox")

PutEvent = Callable[[str, str, Mapping[str, Any], Sequence[str], str, str], None]
_RETRY_S = 1.0


class Outbox:
    """A thread that drains the store's events; `wake` after each commit that adds one."""

    def __init__(self, store: Store, put_event: PutEvent, kept_at: Callable[[], float]) -> None:
        self._store = store
        self._put_event = put_event
        self._unkept: Unkept[int] = Unkept(kept_at)
        self._last_sent = 0
        self._work = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sagemaker-outbox", daemon=True)

    def start(self) -> None:
        """Begins with what the last process left."""
        self._work.set()
        self._thread.start()

    def wake(self) -> None:
        """There is a new event."""
        self._work.set()

    def stop(self) -> None:
        """Ends after the event in hand; the rest waits for the next start."""
        self._stopping = True
        self._work.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping:
            self._work.wait(self._unkept.look_s)
            self._work.clear()
            try:
                self._drain()
                for event_id in self._unkept.take_kept():
                    self._store.drop_event(event_id)
            except Exception:  # the events are kept, and nobody else would send them
                logger.exception("EventBridge did not take an event; trying again")
                threading.Timer(_RETRY_S, self._work.set).start()

    def _drain(self) -> None:
        while not self._stopping:
            events = self._store.pending_events(self._last_sent)
            if not events:
                return
            for event in events:
                scope = event.scope
                resources = [event.resource]
                self._put_event(
                    "aws.sagemaker", event.detail_type, event.detail, resources, scope.account, scope.region
                )
                self._unkept.add(event.event_id)
                self._last_sent = event.event_id
