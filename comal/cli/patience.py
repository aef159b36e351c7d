"""Waiting for what happens in the cloud."""

import time
from collections.abc import Callable
from typing import TypeVar

from comal.errors import PlatformError

Answer = TypeVar("Answer")

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 3.0


def wait_for(look: Callable[[], Answer | None], *, what: str, timeout_s: float, next_step: str) -> Answer:
    """Look until there is an answer, at first often and later every 3 seconds.

    Args:
        look: Returns the answer, or None as long as there is none.
        what: What we wait for, as the end of "gave up waiting for …".
        timeout_s: Seconds after which to give up.
        next_step: What a reader can do then.

    Raises:
        PlatformError: There was no answer in time.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = FIRST_PAUSE_S
    while (answer := look()) is None:
        if time.monotonic() > deadline:
            raise PlatformError(f"Gave up waiting for {what} after {timeout_s:.0f} s.", next_step=next_step)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.2, LONGEST_PAUSE_S)
    return answer
