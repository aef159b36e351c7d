"""A job that is asked to stop finishes its round and saves what it has.

SageMaker sends SIGTERM and, 120 s later, SIGKILL:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
"""

import signal
from types import FrameType

from comal.errors import PlatformError


class StopRequest:
    """Whether somebody asked this process to stop."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Take SIGTERM as the request; only the main thread may call this."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def check(self) -> None:
        """Give up where there is nothing worth saving yet.

        Raises:
            PlatformError: The job was asked to stop.
        """
        if self.asked:
            raise PlatformError("The job was stopped before a model was fitted.", next_step="Start it again.")
