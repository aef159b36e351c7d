"""Tells the rest of the cloud of every change of an alarm's state, in order, and after a restart what is left."""

import logging
import threading
from collections.abc import Callable

from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch.actions import Actions
from localcloud.aws.cloudwatch.history import remember
from localcloud.aws.cloudwatch.store import Named, Store
from localcloud.aws.unkept import Unkept

logger = logging.getLogger("localcloud.cloudwatch")

_RETRY_S = 1.0


class Teller:
    """A thread of its own: an action may call CloudWatch, which must not wait for that action.

    A change stays in the store until everybody has been told and a kill cannot make them forget it: told twice rather
    than not at all.
    """

    def __init__(self, store: Store, clock: Clock, actions: Actions, kept_at: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._actions = actions
        self._unkept: Unkept[tuple[str, str, str]] = Unkept(kept_at)
        self._work = threading.Event()
        self._is_idle = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="cloudwatch-teller", daemon=True)

    def start(self) -> None:
        """Begins with what a killed emulator left."""
        self._work.set()
        self._thread.start()

    def stop(self) -> None:
        """Ends after the change in hand; the rest waits for the next start."""
        self._stopping = True
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def wake(self) -> None:
        """There is a new change in the store."""
        self._is_idle = False
        self._work.set()

    def is_idle(self) -> bool:
        """Whether everybody has been told of everything."""
        return self._is_idle

    def _run(self) -> None:
        while not self._stopping:
            self._work.wait(self._unkept.look_s)
            self._work.clear()
            self._is_idle = True  # a wake from here on takes it back
            try:
                self._drain()
                for key in self._unkept.take_kept():
                    self._store.delete("change", *key)
            except Exception:  # the changes are kept, and nobody else would tell of them
                logger.exception("a change of an alarm's state could not be told; trying again")
                self._is_idle = False
                threading.Timer(_RETRY_S, self._work.set).start()

    def _drain(self) -> None:
        while not self._stopping and (changes := self._untold()):
            self._is_idle = False
            for change in changes:
                alarm, previous = change.document["alarm"], change.document["previous"]
                named = Named(change.account, change.region, alarm["AlarmName"], alarm)
                for item in self._actions.announce(named, previous):
                    summary, data = item["HistorySummary"], item["HistoryData"]
                    remember(self._store, named, self._clock.now(), "Action", summary, data)
                self._unkept.add(_key(change))
        self._is_idle = not self._work.is_set()

    def _untold(self) -> list[Named]:
        return [change for change in self._store.all("change") if _key(change) not in self._unkept]


def _key(change: Named) -> tuple[str, str, str]:
    return (change.account, change.region, change.name)
