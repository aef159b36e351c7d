"""The local cloud's time for schedules: real time plus an offset that an advance makes larger, timer by timer.

An advance of a month stops at each timer on its way, fires it, and waits until all that it set off has ended; so a
month of schedules takes minutes. Signatures and queues keep real time.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

_IDLE_POLL_S = 0.005
# Several looks in a row: an event that has left its rule may not have reached its queue yet.
_IDLE_LOOKS = 3


@runtime_checkable
class Timers(Protocol):
    """What fires by the clock. A service of the edge that implements it takes part in advances."""

    def next_due(self) -> float | None:
        """Epoch seconds of the next timer; None when there is none."""
        ...

    def fire_due(self) -> bool:
        """Fires every timer that is due by now; whether something was set off that `is_idle` may not see at once."""
        ...

    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits to be delivered."""
        ...


class AllTimers:
    """Several `Timers` as one."""

    def __init__(self, parts: Sequence[Timers]) -> None:
        self._parts = parts

    def next_due(self) -> float | None:
        """The earliest of all."""
        due = (part.next_due() for part in self._parts)
        return min((moment for moment in due if moment is not None), default=None)

    def fire_due(self) -> bool:
        """Fires what is due of each, in order."""
        fired = [part.fire_due() for part in self._parts]
        return any(fired)

    def is_idle(self) -> bool:
        """Whether all are."""
        return all(part.is_idle() for part in self._parts)


class Clock:
    """Real time plus an offset that only grows, and outlives a restart."""

    def __init__(self, path: Path, real_time: Callable[[], float] = time.time) -> None:
        """Reads the offset of an earlier run from `path`, if there was one."""
        self._path = path
        self._real_time = real_time
        self._advancing = threading.Lock()
        self._offset_s: float = json.loads(path.read_text())["offset_s"] if path.exists() else 0.0

    @property
    def offset_s(self) -> float:
        """Seconds this clock is ahead of real time."""
        return self._offset_s

    def now(self) -> float:
        """Epoch seconds."""
        return self._real_time() + self._offset_s

    def advance(self, seconds: float, timers: Timers, idle_timeout_s: float) -> int:
        """Moves the clock on, firing each timer on the way at its own time.

        Args:
            seconds: How far, ≥ 0.
            timers: What fires.
            idle_timeout_s: Real seconds that what one timer set off may take.

        Returns:
            How many times a timer was stopped at.

        Raises:
            TimeoutError: Something still runs after `idle_timeout_s`; the clock stands at that timer.
        """
        with self._advancing:
            end = self.now() + seconds
            stops = 0
            self._await_idle(timers, idle_timeout_s)
            timers.fire_due()  # a timer is counted from the first time it is looked at
            while True:
                due = timers.next_due()
                if due is None or due > end:
                    break
                self._move_to(due)
                stops += 1
                if timers.fire_due() or not timers.is_idle():
                    self._await_idle(timers, idle_timeout_s)
            self._move_to(end)
            return stops

    def _move_to(self, moment: float) -> None:
        self._offset_s = max(self._offset_s, moment - self._real_time())
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"offset_s": self._offset_s}))
        temporary.replace(self._path)

    def _await_idle(self, timers: Timers, idle_timeout_s: float) -> None:
        deadline = time.monotonic() + idle_timeout_s
        looks = 0
        while looks < _IDLE_LOOKS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Something still runs after {idle_timeout_s:.0f} s; the clock has stopped there.")
            looks = looks + 1 if timers.is_idle() else 0
            time.sleep(_IDLE_POLL_S)
