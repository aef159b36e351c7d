"""What request_training remembers of a model: its pending triggers, the run in flight and the last one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from comal.events import Trigger
from comal.recipe_training import Search
from comal.retraining_policy import DAY, PastRun, Reason

SUCCEEDED = "SUCCEEDED"


# A day's runs are few; of requests without end only the newest are remembered.
_MAX_PAST_RUNS = 50


@dataclass(frozen=True)
class PendingTrigger(Reason):
    """A reason to train that no run has consumed.

    Attributes:
        batch_id: Empty unless it came with a batch.
        search: What its run shall search, whatever the recipe says.
    """

    batch_id: str = ""
    search: Search | None = None


@dataclass(frozen=True)
class Run:
    """One decided run: all that is needed to carry it out, and to carry it out again after a crash.

    Attributes:
        execution_input: Input of the execution, JSON.
        recipe: The recipe that the run uses, JSON.
        why: Why it was decided.
        started_at: Time of the event that led to it, ISO 8601.
        announced: Whether every step of starting it is done.
        alarms: Alarms that led to it.
    """

    run_id: str
    execution_arn: str
    execution_input: str
    recipe: str
    why: str
    started_at: str
    triggers: list[Trigger]
    announced: bool = False
    alarms: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class EndedRun:
    """How a run ended: SUCCEEDED, FAILED, TIMED_OUT or ABORTED, and the reason in one line."""

    run_id: str
    status: str
    error: str = ""


@dataclass(frozen=True)
class State:
    """Where a model stands.

    Attributes:
        revision: Counts the changes, so that none is overlooked.
        last_ended_at: When the last run ended.
        past_runs: Ended runs of the last day, oldest first.
    """

    revision: int = 0
    in_flight: Run | None = None
    last_run: EndedRun | None = None
    ever_trained: bool = False
    last_ended_at: datetime | None = None
    past_runs: Sequence[PastRun] = ()

    def past_runs_with(self, run: Run, ended_at: datetime) -> list[PastRun]:
        """Past runs once the one in flight has ended; those of more than a day ago are left out."""
        ended = PastRun(datetime.fromisoformat(run.started_at), ended_at, tuple(run.alarms))
        known = [past for past in self.past_runs if past.ended_at and past.ended_at > ended_at - DAY]
        return [*known, ended][-_MAX_PAST_RUNS:]


def run_id_of(model: str, triggers: list[Trigger]) -> str:
    """Id of the run for these triggers: 12 hex digits; the same triggers give the same run."""
    parts = [model, *sorted(trigger.event_id for trigger in triggers)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
