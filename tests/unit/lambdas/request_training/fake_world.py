"""A retraining table, a state machine and a bus in memory, that crash or interrupt a decision at any of its steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from comal.events import Event, Trigger
from comal.recipe import Recipe
from comal.retraining_policy import PastRun
from comal.training_window import BatchCounts
from lambdas.request_training.run import SUCCEEDED, EndedRun, PendingTrigger, Run, State
from tests.unit.comal.registry_samples import make_recipe

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = "RUNNING"
# Without rest between runs, so that a history of minutes holds many.
RETRAIN = {"on_new_rows": 100, "cooldown_hours": 0, "max_per_day": 1000}


class CrashError(Exception):
    """The function's process died."""


@dataclass
class Steps:
    """Counts the steps of a decision and does something in the midst of one of them."""

    at: int = -1
    surprise: Callable[[], None] | None = None

    def take(self) -> None:
        self.at -= 1
        if self.at == 0 and self.surprise:
            surprise, self.surprise = self.surprise, None
            surprise()


@dataclass
class FakeWorld:
    """Implements Ledger, Runs and Announcer; every method is one step that may be the last."""

    deployed: Recipe | None = field(default_factory=lambda: make_recipe(retrain=RETRAIN))
    steps: Steps = field(default_factory=Steps)
    batches: list[str] = field(default_factory=list)
    manifests: dict[str, list[str]] = field(default_factory=dict)
    executions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    triggers: dict[str, PendingTrigger] = field(default_factory=dict)
    consumed: dict[str, str] = field(default_factory=dict)
    current: State = field(default_factory=State)
    audits: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    rests: dict[str, datetime] = field(default_factory=dict)

    # Ledger
    def state(self, model: str) -> State:
        self.steps.take()
        return self.current

    def add(self, model: str, pending: PendingTrigger) -> None:
        self.triggers.setdefault(pending.trigger.event_id, pending)
        self.steps.take()

    def pending(self, model: str) -> list[PendingTrigger]:
        self.steps.take()
        return [one for key, one in self.triggers.items() if key not in self.consumed]

    def consume(self, model: str, triggers: Sequence[Trigger], run_id: str) -> None:
        for trigger in triggers:
            self.consumed.setdefault(trigger.event_id, run_id)
            self.steps.take()

    def claim(self, model: str, run: Run, revision: int) -> bool:
        self.steps.take()
        if self.current.in_flight or self.current.revision != revision:
            return False
        self.current = replace(self.current, in_flight=run, revision=revision + 1)
        self.steps.take()
        return True

    def set_announced(self, model: str, run_id: str) -> None:
        run = self.current.in_flight
        if run and run.run_id == run_id:
            self.current = replace(self.current, in_flight=replace(run, announced=True))
        self.steps.take()

    def end(self, model: str, ended: EndedRun, ended_at: datetime, past_runs: Sequence[PastRun]) -> None:
        run = self.current.in_flight
        if run and run.run_id == ended.run_id:
            trained = self.current.ever_trained or ended.status == SUCCEEDED
            self.current = State(self.current.revision + 1, None, ended, trained, ended_at, past_runs)
        self.steps.take()

    def note_rest(self, model: str, alarm: str, at: datetime) -> None:
        self.rests[alarm] = max(at, self.rests.get(alarm, at))
        self.steps.take()

    def rested_at(self, model: str, alarm: str) -> datetime | None:
        self.steps.take()
        return self.rests.get(alarm)

    def audit(
        self, model: str, time: str, key: str, decision: str, why: str, triggers: Sequence[Trigger], run_id: str
    ) -> None:
        self.audits[time, key] = {"decision": decision, "why": why, "triggers": list(triggers), "run_id": run_id}
        self.steps.take()

    # Runs
    def recipe(self, model: str) -> Recipe | None:
        return self.deployed

    def count_batches(self, recipe: Recipe) -> BatchCounts:
        self.steps.take()
        return BatchCounts(len(self.batches))

    def plan(self, recipe: Recipe, run_id: str, why: str, triggers: list[Trigger], now: datetime) -> Run:
        self.steps.take()
        return Run(
            run_id, f"arn:{run_id}", f"input of {run_id}", recipe.model_dump_json(), why, now.isoformat(), triggers
        )

    def write_inputs(self, model: str, run: Run) -> None:
        self.manifests.setdefault(run.run_id, list(self.batches))
        self.steps.take()

    def batches_of(self, model: str, run_id: str) -> set[str]:
        self.steps.take()
        return set(self.manifests.get(run_id, ()))

    def start(self, model: str, run: Run) -> None:
        if run.run_id not in self.executions:
            assert RUNNING not in self.executions.values(), "two runs at once"
            assert run.run_id in self.manifests, "started without inputs"
            self.executions[run.run_id] = RUNNING
            self.inputs[run.run_id] = run.execution_input
        self.steps.take()

    def end_of(self, run: Run) -> EndedRun | None:
        self.steps.take()
        if run.run_id not in self.executions:
            self.start("", run)
        status = self.executions[run.run_id]
        return None if status == RUNNING else EndedRun(run.run_id, status)

    # Announcer
    def emit(self, event: Event, time: datetime) -> None:
        self.events[event.event_id] = event
        self.steps.take()

    def linger(self) -> None:
        self.steps.take()

    # What happens outside of the function
    def end_running(self, status: str) -> EndedRun | None:
        """The run that is going on comes to its end."""
        for run_id, found in self.executions.items():
            if found == RUNNING:
                self.executions[run_id] = status
                return EndedRun(run_id, status)
        return None
