"""Until when a model predicts, where its registry says that an expired one shall not."""

import time
from collections.abc import Callable
from datetime import datetime

from training.serve.refusal import RefusalError

_GONE = 410


class Expiry:
    """Judged by the server's clock, never by the caller's: theirs may be wrong, or set back on purpose."""

    def __init__(self, expires_at: datetime | None, version: str | None, now: Callable[[], float] = time.time) -> None:
        """Of one version; `expires_at` is timezone-aware, None for one that never expires."""
        self._expires_at_s = expires_at.timestamp() if expires_at else float("inf")
        self._told = f"version {version or 'unknown'} expired on {expires_at:%Y-%m-%d %H:%M %Z}" if expires_at else ""
        self._now = now

    def check(self) -> None:
        """Raises `RefusalError` (410) once the version has expired."""
        if self._now() >= self._expires_at_s:
            raise RefusalError(
                _GONE, f"{self._told}, and its recipe says registry.when_expired: refuse; train or promote another"
            )
