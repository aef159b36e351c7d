"""Waiting for something that AWS does on its own, with an end to it."""

import time
from collections.abc import Callable

from comal.errors import PlatformError

POLL_S = 1.0


def wait_until(is_done: Callable[[], bool], *, what: str, deadline: float) -> None:
    """Ask until it is done.

    Args:
        is_done: Asks.
        what: What is waited for, for the message.
        deadline: In `time.monotonic` seconds.

    Raises:
        PlatformError: The deadline has passed.
    """
    while not is_done():
        if time.monotonic() >= deadline:
            raise PlatformError(f"{what} takes too long.", next_step="Run `comal destroy` again.")
        time.sleep(POLL_S)
