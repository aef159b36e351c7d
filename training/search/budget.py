"""How long a search may go on."""

import time
from typing import Literal

from comal.recipe import Search
from training.stop import StopRequest

EndedBy = Literal["trials", "minutes", "stop"]


class Budget:
    """The recipe's limits, counted from now, and the request to stop."""

    def __init__(self, limits: Search, stop: StopRequest) -> None:
        self.trials = limits.trials
        self._started = time.monotonic()
        self._seconds = limits.minutes * 60
        self._stop = stop

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self._started

    @property
    def exhausted(self) -> EndedBy | None:
        """What says that it must end at once; None while it may go on."""
        if self._stop.asked:
            return "stop"
        return "minutes" if self.seconds >= self._seconds else None
