"""What request_training remembers of a model: its pending triggers, the run in flight and the last one."""

import hashlib
from dataclasses import dataclass

from comal.events import Trigger

SUCCEEDED = "SUCCEEDED"


@dataclass(frozen=True)
class PendingTrigger:
    """A reason to train that no run has consumed; `batch_id` is empty unless it came with a batch."""

    trigger: Trigger
    batch_id: str = ""


@dataclass(frozen=True)
class Run:
    """One decided run: all that is needed to carry it out, and to carry it out again after a crash.

    Attributes:
        execution_input: Input of the execution, JSON.
        recipe: The recipe that the run uses, JSON.
        why: Why it was decided.
        started_at: Time of the event that led to it, ISO 8601.
        announced: Whether every step of starting it is done.
    """

    run_id: str
    execution_arn: str
    execution_input: str
    recipe: str
    why: str
    started_at: str
    triggers: list[Trigger]
    announced: bool = False


@dataclass(frozen=True)
class EndedRun:
    """How a run ended: SUCCEEDED, FAILED, TIMED_OUT or ABORTED, and the reason in one line."""

    run_id: str
    status: str
    error: str = ""


@dataclass(frozen=True)
class State:
    """Where a model stands. `revision` counts the changes, so that none is overlooked."""

    revision: int = 0
    in_flight: Run | None = None
    last_run: EndedRun | None = None
    ever_trained: bool = False


def run_id_of(model: str, triggers: list[Trigger]) -> str:
    """Id of the run for these triggers: 12 hex digits; the same triggers give the same run."""
    parts = [model, *sorted(trigger.event_id for trigger in triggers)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
