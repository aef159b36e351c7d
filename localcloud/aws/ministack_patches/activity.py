"""When something last happened that may have changed MiniStack's state, so that an idle cloud costs nothing."""

import time

# State also changes a moment after the call that set it off: a function becomes active, an event is delivered.
AFTERMATH_S = 5.0

_last_s = 0.0


def note() -> None:
    """Something happened just now."""
    global _last_s
    _last_s = time.monotonic()


def mark() -> float:
    """Another one as soon as something has happened."""
    return _last_s


def is_recent() -> bool:
    """Whether something happened within the last `AFTERMATH_S` seconds."""
    return time.monotonic() - _last_s < AFTERMATH_S
