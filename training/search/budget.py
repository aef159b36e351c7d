"""How long a search may go on."""

import time
from typing import Literal

from comal.recipe import Search
from training.stop import StopRequest

EndedBy = Literal["trials", "minutes", "stop"]


class Budget:
    """The recipe's limits, counted from now, and the request to stop."""

    def __init__(self, limits: Search, stop: StopRequest, held_back: float = 0.0) -> None:
        """Begin to count.

        Args:
            limits: Trials and minutes.
            stop: Ends it as well.
            held_back: Share of the minutes that trials leave for the choice among them.
        """
        self.trials = limits.trials
        self._started = time.monotonic()
        self._seconds = limits.minutes * 60
        self._held_back = held_back
        self._stop = stop

    def release(self) -> None:
        """Let what comes now use what was held back."""
        self._held_back = 0.0

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self._started

    @property
    def exhausted(self) -> EndedBy | None:
        """What says that it must end at once; None while it may go on."""
        if self._stop.asked:
            return "stop"
        return "minutes" if self.seconds >= self._seconds * (1 - self._held_back) else None
