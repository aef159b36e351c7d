"""How long a search may go on."""

import time
from typing import Literal

from comal.recipe_training import Search
from training.stop import StopRequest

EndedBy = Literal["trials", "minutes", "stop"]


class Budget:
    """The recipe's limits, counted from now, and the request to stop."""

    def __init__(self, limits: Search, stop: StopRequest) -> None:
        self.trials = limits.trials
        self._started = time.monotonic()
        self._limit_s = self._until_s = limits.minutes * 60
        self._stop = stop

    def hold_back(self, share: float, at_least_s: float = 0.0) -> None:
        """Leave some time for what comes later.

        Args:
            share: Of the minutes, between 0 and 1; 0 leaves none any more.
            at_least_s: Nothing is left where the share is shorter than this.
        """
        held_back = share * self._limit_s
        self._until_s = self._limit_s - (held_back if held_back >= at_least_s else 0.0)

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self._started

    @property
    def exhausted(self) -> EndedBy | None:
        """What says that it must end at once; None while it may go on."""
        if self._stop.asked:
            return "stop"
        return "minutes" if self.seconds >= self._until_s else None
