"""What a decision asks of the world: a table, recipes and executions, and a bus."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from comal.events import Event, Trigger
from comal.recipe import Recipe
from comal.retraining_policy import PastRun
from comal.training_window import BatchCounts
from lambdas.request_training.run import EndedRun, PendingTrigger, Run, State


class Ledger(Protocol):
    """The retraining table. Reads see every write that has returned."""

    def state(self, model: str) -> State:
        """Where the model stands."""

    def add(self, model: str, pending: PendingTrigger) -> None:
        """Write a trigger down, unless it was there before, consumed or not."""

    def pending(self, model: str) -> list[PendingTrigger]:
        """Triggers that nothing has consumed, oldest first."""

    def consume(self, model: str, triggers: Sequence[Trigger], run_id: str) -> None:
        """Mark triggers as consumed by a run, or by a refusal (an empty run id)."""

    def claim(self, model: str, run: Run, revision: int) -> bool:
        """Put a run in flight; False if the state has changed since that revision."""

    def set_announced(self, model: str, run_id: str) -> None:
        """Note that a run was carried out to the end."""

    def end(self, model: str, ended: EndedRun, ended_at: datetime, past_runs: Sequence[PastRun]) -> None:
        """Take a run out of flight; nothing happens when it is not in flight."""

    def note_rest(self, model: str, alarm: str, at: datetime) -> None:
        """Remember that an alarm was at rest; an older rest changes nothing."""

    def rested_at(self, model: str, alarm: str) -> datetime | None:
        """When an alarm was last known to be at rest."""

    def audit(
        self, model: str, time: str, key: str, decision: str, why: str, triggers: Sequence[Trigger], run_id: str
    ) -> None:
        """Keep a decision for people to read; the same key again replaces it."""


class Runs(Protocol):
    """Recipes, inputs and executions."""

    def recipe(self, model: str) -> Recipe | None:
        """The deployed recipe, or None."""

    def count_batches(self, recipe: Recipe) -> BatchCounts:
        """How many batches there are to train on, and how many wait for their windows."""

    def plan(self, recipe: Recipe, run_id: str, why: str, triggers: list[Trigger], now: datetime) -> Run:
        """A run with everything it takes; changes nothing."""

    def write_inputs(self, model: str, run: Run) -> None:
        """Write recipe and manifest; a manifest that is there stays as it is."""

    def batches_of(self, model: str, run_id: str) -> set[str]:
        """Ids of the batches in the run's manifest."""

    def start(self, model: str, run: Run) -> None:
        """Start the execution, unless it was started before."""

    def end_of(self, run: Run) -> EndedRun | None:
        """How the run ended, None while it runs. An execution that does not exist is started."""


class Announcer(Protocol):
    """The event bus."""

    def emit(self, event: Event, time: datetime) -> None:
        """Put an event on the bus."""
