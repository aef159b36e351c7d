"""Any history of triggers, repeats, ends, lost messages and crashes: one run at a time, and no trigger is lost."""

import contextlib
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from comal.events import TrainingStarted, Trigger, TriggerKind
from lambdas.request_training.logic import TrainingRequests
from lambdas.request_training.run import EndedRun, PendingTrigger
from tests.unit.comal.registry_samples import make_names
from tests.unit.lambdas.request_training.fake_world import NOW, RUNNING, CrashError, FakeWorld, Steps

MODEL = "tacos"
ALARM = "dev-tacos-drift"
KINDS: list[TriggerKind] = ["schedule", "alarm", "request", "champion_changed"]
NEVER = 0
# At which of its steps a decision is disturbed; a decision has at most some 30 steps.
moments = st.integers(NEVER, 30)
statuses = st.sampled_from(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])


def _crash() -> None:
    raise CrashError


class TrainingHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = FakeWorld()
        self.requests = TrainingRequests(make_names(), self.world, self.world, self.world, self.world.linger)
        self.now = NOW
        self.delivered: list[PendingTrigger] = []
        self.ends: list[EndedRun] = []

    def _new_trigger(self, kind: TriggerKind, rows: int) -> PendingTrigger:
        number = len(self.delivered)
        batch_id = ""
        if kind == "new_rows":
            batch_id = f"batch-{number}"
            self.world.batches.append(batch_id)
        trigger = Trigger(event_id=f"event-{number}", kind=kind, reason=kind, rows=rows)
        alarm = ALARM if kind == "alarm" else ""
        pending = PendingTrigger(trigger, self.now, alarm=alarm, batch_id=batch_id)
        self.delivered.append(pending)
        return pending

    def _disturbed(self, moment: int, other: PendingTrigger | None, *, is_long: bool = False) -> None:
        """Lets the next decision die at a moment, or lets another one, or a whole run, come in between."""

        def interrupt() -> None:
            assert other is not None
            self.requests.add(MODEL, other, self.now)
            if is_long and (ended := self.world.end_running("SUCCEEDED")):
                self.requests.decide(MODEL, self.now, ended=ended)

        self.world.steps = Steps(moment, interrupt if other else _crash) if moment else Steps()

    def _deliver(self, pending: PendingTrigger) -> None:
        self.now += timedelta(minutes=1)
        with contextlib.suppress(CrashError):
            self.requests.add(MODEL, pending, self.now)
        self.world.steps = Steps()

    @rule(rows=st.integers(1, 150), moment=moments)
    def a_batch_is_validated(self, rows: int, moment: int) -> None:
        pending = self._new_trigger("new_rows", rows)
        self._disturbed(moment, None)
        self._deliver(pending)

    @rule(kind=st.sampled_from(KINDS), moment=moments)
    def somebody_asks(self, kind: TriggerKind, moment: int) -> None:
        pending = self._new_trigger(kind, 0)
        self._disturbed(moment, None)
        self._deliver(pending)

    @rule(rows=st.integers(1, 150), kind=st.sampled_from(KINDS), moment=moments, is_long=st.booleans())
    def two_decisions_overlap(self, rows: int, kind: TriggerKind, moment: int, is_long: bool) -> None:
        first, second = self._new_trigger("new_rows", rows), self._new_trigger(kind, 0)
        self._disturbed(moment, second, is_long=is_long)
        self._deliver(first)
        self._deliver(second)

    @rule(data=st.data())
    def a_message_comes_again(self, data: st.DataObject) -> None:
        if self.delivered:
            self._deliver(data.draw(st.sampled_from(self.delivered)))

    @rule(status=statuses, is_heard=st.booleans(), moment=moments)
    def the_run_ends(self, status: str, is_heard: bool, moment: int) -> None:
        ended = self.world.end_running(status)
        if ended is None:
            return
        self.ends.append(ended)
        self.now += timedelta(minutes=1)
        self._disturbed(moment, None)
        if is_heard:
            with contextlib.suppress(CrashError):
                self.requests.decide(MODEL, self.now, ended=ended)
        self.world.steps = Steps()

    @rule(data=st.data())
    def an_old_end_is_heard_again(self, data: st.DataObject) -> None:
        if self.ends:
            self.requests.decide(MODEL, self.now, ended=data.draw(st.sampled_from(self.ends)))

    @rule()
    def the_timer_rings(self) -> None:
        self.now += timedelta(minutes=10)
        self.requests.decide(MODEL, self.now)

    @rule(moment=moments, ago_s=st.integers(0, 120))
    def the_alarm_comes_to_rest(self, moment: int, ago_s: int) -> None:
        self.now += timedelta(seconds=1)
        self._disturbed(moment, None)
        with contextlib.suppress(CrashError):
            self.requests.rest(MODEL, ALARM, self.now - timedelta(seconds=ago_s))
        self.world.steps = Steps()

    @invariant()
    def one_run_at_a_time(self) -> None:
        assert list(self.world.executions.values()).count(RUNNING) <= 1

    def teardown(self) -> None:
        """Once messages come again and runs end, every trigger has had its run, or waits for more rows."""
        for pending in self.delivered:
            self._deliver(pending)
        for _ in range(len(self.delivered) + 2):
            self.world.end_running("SUCCEEDED")
            self.now += timedelta(hours=2)  # an alarm counts again, and no reason expires
            self.requests.decide(MODEL, self.now)
        waiting = [one for one in self.delivered if one.trigger.event_id not in self.world.consumed]
        assert all(one.trigger.kind == "new_rows" for one in waiting)
        assert sum(one.trigger.rows for one in waiting) < 100
        self._every_run_is_told_once()

    def _every_run_is_told_once(self) -> None:
        world = self.world
        events = [event for event in world.events.values() if isinstance(event, TrainingStarted)]
        started = [event.run_id for event in events]
        assert sorted(started) == sorted(world.executions)
        reasons = [trigger.event_id for event in events for trigger in event.triggers]
        assert len(set(reasons)) == len(reasons), "one trigger led to two runs"
        runs = [audit["run_id"] for audit in world.audits.values() if audit["decision"] == "run"]
        assert sorted(runs) == sorted(world.executions)
        for pending in self.delivered:
            run_id = world.consumed.get(pending.trigger.event_id)
            if run_id and pending.batch_id:
                assert pending.batch_id in world.manifests[run_id], "consumed by a run that did not train on it"


TestTrainingHistories = TrainingHistories.TestCase
TestTrainingHistories.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
