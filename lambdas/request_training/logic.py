"""Triggers become runs: single flight, nothing lost, whatever crashes in between.

A run is claimed by one conditional write that holds all it takes to start it. Every step after the claim can be done
again, and is, until the run is announced; only then is its end looked for. See docs/adr/0006.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from comal.errors import PlatformError, UserError
from comal.events import TrainingRefused, TrainingStarted, Trigger, event_id
from comal.names import Names
from comal.recipe import Recipe
from comal.retraining_policy import Decision, Situation, decide, expired
from lambdas.request_training.ports import Announcer, Ledger, Runs
from lambdas.request_training.run import EndedRun, PendingTrigger, Run, State, run_id_of

# A run consumes at most so many triggers, so that its claim stays below DynamoDB's 400 KB and its event below
# EventBridge's 256 KB. The batches of those that are left over are in its manifest all the same.
MAX_TRIGGERS = 500
_ATTEMPTS = 5


class TrainingRequests:
    """Decides about the triggers of one stack's models."""

    def __init__(
        self, names: Names, ledger: Ledger, runs: Runs, announcer: Announcer, linger: Callable[[], None]
    ) -> None:
        """Ports, and `linger`: waits a moment before a run starts, for reasons that come together with the first."""
        self._names = names
        self._linger = linger
        self._ledger = ledger
        self._runs = runs
        self._announcer = announcer

    def add(self, model: str, pending: PendingTrigger, now: datetime) -> str:
        """Write a trigger down, then decide.

        Args:
            model: Name of the model.
            pending: The trigger; a repeated one changes nothing.
            now: Time of the event that brought it.

        Returns:
            What was decided, for the log.
        """
        self._ledger.add(model, pending)
        if pending.alarm:
            self._withdraw(model, pending.alarm, now)
        return self.decide(model, now, cause=pending.trigger.event_id)

    def rest(self, model: str, alarm: str, now: datetime) -> str:
        """Note that an alarm is at rest again: what it asked for before, and did not get, is asked for no more.

        Args:
            model: Name of the model.
            alarm: Name of the alarm.
            now: When it came to rest.

        Returns:
            What was decided, for the log.
        """
        self._ledger.note_rest(model, alarm, now)
        self._withdraw(model, alarm, now)
        return self.decide(model, now)

    def decide(self, model: str, now: datetime, *, ended: EndedRun | None = None, cause: str = "") -> str:
        """Decide about a model's pending triggers, after finishing what was begun.

        Args:
            model: Name of the model.
            now: Time of the event that asks for a decision.
            ended: A run whose end was just heard of.
            cause: Trigger that asks for it; it gets an audit row also when it has to wait.

        Raises:
            PlatformError: Other decisions came in between, again and again.
        """
        has_lingered = False
        for _ in range(_ATTEMPTS):
            state = self._settle(model, ended, now)
            recipe = self._runs.recipe(model)
            pending = self._without_expired(model, self._without_trained_batches(model, state, now), recipe, now)
            pending = self._without_impossible(model, pending, recipe, now)
            decision = self._judge(model, state, pending, recipe, now)
            triggers = [one.trigger for one in pending]
            if decision.outcome == "coalesced" and cause in {trigger.event_id for trigger in triggers}:
                self._ledger.audit(
                    model, now.isoformat(), cause, "coalesced", decision.why, triggers[:MAX_TRIGGERS], ""
                )
            elif decision.outcome == "refused":
                self._refuse(model, triggers[:MAX_TRIGGERS], decision.why, now)
            elif decision.outcome == "run":
                if not has_lingered:
                    self._linger()
                    has_lingered = True
                    continue
                assert recipe is not None  # without one the decision is to refuse
                if not self._start(recipe, state, pending, decision.why, now):
                    continue
            return f"{decision.outcome}: {decision.why}"
        raise PlatformError(
            f"The state of model '{model}' changed during each of {_ATTEMPTS} decisions.",
            next_step="The message comes again by itself.",
        )

    def _judge(
        self, model: str, state: State, pending: list[PendingTrigger], recipe: Recipe | None, now: datetime
    ) -> Decision:
        if pending and recipe is None:
            return Decision("refused", f"stack '{self._names.stack}' has no recipe for model '{model}'")
        if not pending or recipe is None:
            return Decision("nothing", "no trigger is pending")
        situation = Situation(
            now=now,
            run_in_flight=state.in_flight.run_id if state.in_flight else None,
            ever_trained=state.ever_trained,
            batches=self._runs.count_batches(recipe),
            last_ended_at=state.last_ended_at,
            recent_runs=state.past_runs,
        )
        return decide(pending, situation, recipe.retrain)

    def _settle(self, model: str, ended: EndedRun | None, now: datetime) -> State:
        """The state, after the run in flight was carried out to the end and, if it is over, taken out of flight."""
        state = self._ledger.state(model)
        run = state.in_flight
        if run is None:
            return state
        if not run.announced:
            self._carry_out(model, run)
        known_end = ended if ended and ended.run_id == run.run_id else self._runs.end_of(run)
        if known_end is None:
            return state
        self._ledger.end(model, known_end, now, state.past_runs_with(run, now))
        return self._ledger.state(model)

    def _withdraw(self, model: str, alarm: str, now: datetime) -> None:
        """Take back what an alarm asked for before it came to rest, in whatever order that was told."""
        rested_at = self._ledger.rested_at(model, alarm)
        if rested_at is None:
            return
        over = [one for one in self._ledger.pending(model) if one.alarm == alarm and one.arrived_at <= rested_at]
        if over:
            self._refuse(model, [one.trigger for one in over], f"alarm {alarm} came to rest by itself", now)

    def _without_expired(
        self, model: str, pending: list[PendingTrigger], recipe: Recipe | None, now: datetime
    ) -> list[PendingTrigger]:
        """Pending triggers; those that have waited for too long are refused."""
        if recipe is None:
            return pending
        old = expired(pending, now, recipe.retrain)
        if old:
            hours = f"{recipe.retrain.reason_expires_hours:g}"
            why = f"it waited longer than the {hours} hours of retrain.reason_expires_hours"
            self._refuse(model, [one.trigger for one in old][:MAX_TRIGGERS], why, now)
        return [one for one in pending if one not in old]

    def _without_impossible(
        self, model: str, pending: list[PendingTrigger], recipe: Recipe | None, now: datetime
    ) -> list[PendingTrigger]:
        """Pending triggers; those that ask for a search which the recipe cannot have are refused."""
        if recipe is None:
            return pending
        possible = []
        for one in pending:
            try:
                _searching(recipe, [one])
            except UserError as error:
                self._refuse(model, [one.trigger], error.message, now)
            else:
                possible.append(one)
        return possible

    def _without_trained_batches(self, model: str, state: State, now: datetime) -> list[PendingTrigger]:
        """Pending triggers; those whose batch is in the newest run's manifest already are consumed by that run.

        A batch may be validated, and so be in a manifest, before its event arrives here.
        """
        pending = self._ledger.pending(model)
        newest = state.in_flight.run_id if state.in_flight else state.last_run.run_id if state.last_run else ""
        if not newest or not any(one.batch_id for one in pending):
            return pending
        trained = self._runs.batches_of(model, newest)
        covered = [one.trigger for one in pending if one.batch_id in trained]
        if covered:
            why = f"run {newest} trains on its rows"
            key = event_id(*(trigger.event_id for trigger in covered))
            self._ledger.audit(model, now.isoformat(), key, "coalesced", why, covered[:MAX_TRIGGERS], newest)
            self._ledger.consume(model, covered, newest)
        return [one for one in pending if one.batch_id not in trained]

    def _refuse(self, model: str, triggers: list[Trigger], why: str, now: datetime) -> None:
        key = event_id(*sorted(trigger.event_id for trigger in triggers))
        self._ledger.audit(model, now.isoformat(), key, "refused", why, triggers, "")
        identity = event_id(self._names.stack, model, "refused", key)
        refused = TrainingRefused(event_id=identity, stack=self._names.stack, model=model, triggers=triggers, why=why)
        self._announcer.emit(refused, now)
        self._ledger.consume(model, triggers, "")

    def _start(self, recipe: Recipe, state: State, pending: list[PendingTrigger], why: str, now: datetime) -> bool:
        """Claim a run and carry it out; False if somebody else changed the state."""
        chosen = sorted(pending, key=lambda one: one.trigger.kind == "new_rows")[:MAX_TRIGGERS]
        triggers = [one.trigger for one in chosen]
        planned = self._runs.plan(_searching(recipe, chosen), run_id_of(recipe.model, triggers), why, triggers, now)
        run = replace(planned, alarms=sorted({one.alarm for one in chosen if one.alarm}))
        if not self._ledger.claim(recipe.model, run, state.revision):
            return False
        self._carry_out(recipe.model, run)
        return True

    def _carry_out(self, model: str, run: Run) -> None:
        """Do what a claimed run asks for. Every step may have been done before."""
        self._runs.write_inputs(model, run)
        self._runs.start(model, run)
        self._ledger.consume(model, run.triggers, run.run_id)
        self._ledger.audit(model, run.started_at, run.run_id, "run", run.why, run.triggers, run.run_id)
        started = TrainingStarted(
            event_id=event_id(self._names.stack, model, "started", run.run_id),
            stack=self._names.stack,
            model=model,
            run_id=run.run_id,
            training_job_name=self._names.training_job(model, run.run_id),
            execution_arn=run.execution_arn,
            triggers=run.triggers,
        )
        self._announcer.emit(started, datetime.fromisoformat(run.started_at))
        self._ledger.set_announced(model, run.run_id)


def _searching(recipe: Recipe, chosen: list[PendingTrigger]) -> Recipe:
    """The recipe of a run: with the search that the newest of its triggers to ask for one wants."""
    wanted = [one.search for one in sorted(chosen, key=lambda one: one.arrived_at) if one.search]
    return recipe.searching(wanted[-1]) if wanted else recipe
