"""A step of the demo: something is done, and what was to be seen is seen, or the demo ends there."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from comal.cli.console import err, say
from comal.cli.demo.summary import Outcome
from comal.errors import ComalError


class StepError(ComalError):
    """A step did not hold: what was seen, what was expected, where the logs are."""

    def __init__(self, *, seen: str, expected: str, logs: str) -> None:
        super().__init__(f"Seen: {seen} Expected: {expected}", next_step=f"The logs: {logs}")


def expect(condition: object, *, seen: str, expected: str, logs: str) -> None:
    """End the demo unless a condition holds.

    Args:
        condition: What must be true.
        seen: What is there, as a sentence.
        expected: What should be there, as a sentence.
        logs: The command or file that tells more.

    Raises:
        StepError: It does not hold.
    """
    if not condition:
        raise StepError(seen=seen, expected=expected, logs=logs)


class Journal:
    """Runs steps, prints a line for each, and remembers what they showed."""

    def __init__(self, count: int) -> None:
        self.outcomes: list[Outcome] = []
        self._count = count

    def run(self, name: str, work: Callable[[], str]) -> None:
        """Do a step.

        Args:
            name: What the step is called, in the progress and in the summary.
            work: Does it, and returns what it showed.

        Raises:
            Whatever the work raises, after a line that names the step.
        """
        heading = f"[{len(self.outcomes) + 1}/{self._count}] {name}"
        begin = time.monotonic()
        try:
            with self._spinner(heading):
                detail = work()
        except BaseException:
            say(f"✗ {heading} did not hold after {time.monotonic() - begin:.1f} s", style="red")
            raise
        duration_s = time.monotonic() - begin
        self.outcomes.append(Outcome(name, duration_s, detail))
        say(f"✓ {heading} ({duration_s:.1f} s): {detail}", style="green" if err.is_terminal else "")

    def _spinner(self, heading: str) -> AbstractContextManager[Any]:
        if err.is_terminal:
            return err.status(f"{heading} …")
        say(f"… {heading}")
        return nullcontext()
