"""A job that is asked to stop finishes its round and saves what it has.

SageMaker sends SIGTERM and, 120 s later, SIGKILL:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
"""

import signal
import time
from types import FrameType

from comal.errors import PlatformError


class StopRequest:
    """Whether somebody asked this process to stop."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._grace_s = 0.0

    @property
    def asked(self) -> bool:
        """Whether to end now."""
        return self._asked_at is not None and time.monotonic() >= self._asked_at + self._grace_s

    def ask(self) -> None:
        """Ask for it."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()

    def grant(self, seconds: float) -> None:
        """Let what comes now go on for so long after the request, be it made already or later."""
        self._grace_s = seconds

    def listen(self) -> None:
        """Take SIGTERM as the request; only the main thread may call this."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.ask()

    def check(self) -> None:
        """Give up where there is nothing worth saving yet.

        Raises:
            PlatformError: The job was asked to stop.
        """
        if self.asked:
            raise PlatformError("The job was stopped before a model was fitted.", next_step="Start it again.")
