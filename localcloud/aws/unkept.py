"""What was handed to MiniStack and would be gone after a kill: its sender keeps it until MiniStack has saved."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")

# How often a sender looks whether it may forget.
LOOK_S = 1.0


class Unkept(Generic[Key]):
    """Keys of what was delivered and is not on disk yet. For one thread."""

    def __init__(self, kept_at: Callable[[], float]) -> None:
        """Begins empty.

        Args:
            kept_at: The monotonic time before which everything that was delivered is on disk.
        """
        self._kept_at = kept_at
        self._delivered: dict[Key, float] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._delivered

    @property
    def look_s(self) -> float | None:
        """Seconds to wait at most before the next `take_kept`; None when there is nothing to wait for."""
        return LOOK_S if self._delivered else None

    def add(self, key: Key) -> None:
        """It was delivered just now."""
        self._delivered[key] = time.monotonic()

    def take_kept(self) -> list[Key]:
        """Those that a kill can no longer lose; they are forgotten here."""
        kept_at = self._kept_at()
        kept = [key for key, delivered_at in self._delivered.items() if delivered_at < kept_at]
        for key in kept:
            del self._delivered[key]
        return kept
