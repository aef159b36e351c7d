from datetime import datetime, timedelta
from typing import Any

import pytest

from comal.errors import PlatformError
from comal.events import TrainingRefused, TrainingStarted, Trigger, TriggerKind
from lambdas.request_training.logic import MAX_TRIGGERS, TrainingRequests
from lambdas.request_training.run import EndedRun, PendingTrigger, State
from tests.unit.comal.registry_samples import make_names, make_recipe
from tests.unit.lambdas.request_training.fake_world import NOW, RETRAIN, FakeWorld, Steps

MODEL = "tacos"
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def requests(world: FakeWorld) -> TrainingRequests:
    return TrainingRequests(make_names(), world, world, world, world.linger)


def _asked(event_id: str, kind: TriggerKind = "request") -> PendingTrigger:
    return PendingTrigger(Trigger(event_id=event_id, kind=kind, reason="new store"), NOW)


def _batch(world: FakeWorld, batch_id: str, rows: int = 50) -> PendingTrigger:
    world.batches.append(batch_id)
    trigger = Trigger(event_id=f"e-{batch_id}", kind="new_rows", reason="batch", rows=rows)
    return PendingTrigger(trigger, NOW, batch_id=batch_id)


def _started(world: FakeWorld) -> list[TrainingStarted]:
    return [event for event in world.events.values() if isinstance(event, TrainingStarted)]


def _decisions(world: FakeWorld) -> list[dict[str, Any]]:
    return list(world.audits.values())


def test_the_first_batch_starts_a_run_and_says_so(world: FakeWorld, requests: TrainingRequests) -> None:
    assert requests.add(MODEL, _batch(world, "b1"), NOW) == "run: first training run, on 50 new rows"
    (event,) = _started(world)
    assert event.training_job_name == f"dev-tacos-{event.run_id}"
    assert list(world.executions) == [event.run_id]
    assert _decisions(world)[0]["run_id"] == event.run_id


def test_what_arrives_during_a_run_is_decided_after_it(world: FakeWorld, requests: TrainingRequests) -> None:
    requests.add(MODEL, _batch(world, "b1"), NOW)
    assert requests.add(MODEL, _asked("r1"), LATER).startswith("coalesced: run ")
    assert len(world.executions) == 1
    ended = world.end_running("SUCCEEDED")
    assert requests.decide(MODEL, LATER, ended=ended) == "run: request: new store"
    assert len(world.executions) == 2


def test_a_batch_that_a_run_trained_on_before_its_event_came_does_not_count_again(
    world: FakeWorld, requests: TrainingRequests
) -> None:
    late = _batch(world, "b2", rows=5000)
    requests.add(MODEL, _batch(world, "b1"), NOW)
    world.end_running("SUCCEEDED")
    assert requests.add(MODEL, late, LATER) == "nothing: no trigger is pending"
    assert len(world.executions) == 1
    assert world.consumed["e-b2"] in world.executions


def test_a_lost_end_is_found_by_the_next_decision(world: FakeWorld, requests: TrainingRequests) -> None:
    requests.add(MODEL, _asked("r0"), NOW)
    requests.add(MODEL, _batch(world, "b1"), NOW)
    world.end_running("FAILED")
    assert requests.add(MODEL, _asked("r1"), LATER).startswith("run")
    assert world.current.last_run is not None
    assert world.current.last_run.status == "FAILED"


def test_a_failed_run_is_not_tried_again_by_itself(world: FakeWorld, requests: TrainingRequests) -> None:
    requests.add(MODEL, _batch(world, "b1", rows=5000), NOW)
    world.end_running("FAILED")
    assert requests.decide(MODEL, LATER) == "nothing: no trigger is pending"
    assert len(world.executions) == 1
    assert not world.current.ever_trained


def test_an_execution_that_never_started_is_started_from_what_was_stored(
    world: FakeWorld, requests: TrainingRequests
) -> None:
    requests.add(MODEL, _batch(world, "b1"), NOW)
    ((run_id, stored),) = world.inputs.items()
    world.executions.clear()
    world.inputs.clear()
    requests.decide(MODEL, LATER)
    assert world.inputs == {run_id: stored}


def test_the_end_of_another_run_does_not_end_this_one(world: FakeWorld, requests: TrainingRequests) -> None:
    requests.add(MODEL, _batch(world, "b1"), NOW)
    requests.decide(MODEL, LATER, ended=EndedRun("ffffffffffff", "FAILED"))
    assert world.current.in_flight is not None


def test_a_request_without_data_is_refused_once(world: FakeWorld, requests: TrainingRequests) -> None:
    for _ in range(2):
        requests.add(MODEL, _asked("r1"), NOW)
    (refused,) = world.events.values()
    assert isinstance(refused, TrainingRefused)
    assert refused.why == "there is no validated batch to train on"
    assert world.consumed == {"r1": ""}
    assert [audit["decision"] for audit in _decisions(world)] == ["refused"]


def test_a_model_without_a_recipe_is_refused(world: FakeWorld, requests: TrainingRequests) -> None:
    world.deployed = None
    assert requests.add(MODEL, _asked("r1"), NOW) == "refused: stack 'dev' has no recipe for model 'tacos'"
    assert requests.decide(MODEL, LATER) == "nothing: no trigger is pending"


def test_a_trigger_that_waits_has_an_audit_row_and_the_timer_adds_none(
    world: FakeWorld, requests: TrainingRequests
) -> None:
    requests.add(MODEL, _batch(world, "b1"), NOW)
    world.end_running("SUCCEEDED")
    requests.add(MODEL, _batch(world, "b2"), LATER)
    for minutes in range(3):
        requests.decide(MODEL, LATER + timedelta(minutes=minutes))
    assert [audit["decision"] for audit in _decisions(world)] == ["run", "coalesced"]


def test_a_decision_that_was_overtaken_is_made_again(world: FakeWorld, requests: TrainingRequests) -> None:
    """Not left to the next message, which may never come."""
    world.batches.append("b0")

    def overtake() -> None:
        requests.add(MODEL, _asked("r2"), NOW)
        requests.decide(MODEL, NOW, ended=world.end_running("SUCCEEDED"))

    # Steps of the outer decision: add; state, pending, validated_batches, linger; the same three again, plan, claim.
    world.steps = Steps(10, overtake)
    assert requests.add(MODEL, _asked("r1"), NOW) == "nothing: no trigger is pending"
    assert set(world.consumed) == {"r1", "r2"}
    assert len(world.executions) == 1


def test_a_state_that_never_rests_is_left_to_the_queue(
    world: FakeWorld, requests: TrainingRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.batches.append("b0")
    monkeypatch.setattr(world, "claim", lambda *_: False)
    with pytest.raises(PlatformError, match="changed during each of 5 decisions"):
        requests.add(MODEL, _asked("r1"), NOW)


def test_more_triggers_than_fit_lead_to_one_run_all_the_same(world: FakeWorld, requests: TrainingRequests) -> None:
    requests.add(MODEL, _batch(world, "b0"), NOW)
    for number in range(MAX_TRIGGERS + 20):
        pending = _batch(world, f"b{number + 1}")
        world.triggers[pending.trigger.event_id] = pending
    requests.decide(MODEL, LATER, ended=world.end_running("SUCCEEDED"))
    requests.decide(MODEL, LATER, ended=world.end_running("SUCCEEDED"))
    assert len(world.executions) == 2
    assert set(world.consumed) == set(world.triggers)


ALARM = "dev-tacos-drift"


def _off(number: int, at: datetime) -> PendingTrigger:
    trigger = Trigger(event_id=f"alarm-{number}", kind="alarm", reason=f"alarm {ALARM}: too far")
    return PendingTrigger(trigger, at, alarm=ALARM)


@pytest.mark.parametrize("ends_at", [1, 50, 100])
def test_an_alarm_that_flaps_a_hundred_times_leads_to_one_run(
    world: FakeWorld, requests: TrainingRequests, ends_at: int
) -> None:
    requests.add(MODEL, _batch(world, "b1"), NOW)
    requests.decide(MODEL, NOW, ended=world.end_running("SUCCEEDED"))
    before = len(world.executions)
    now = NOW + timedelta(days=1)
    for flap in range(1, 101):
        now += timedelta(seconds=10)
        requests.add(MODEL, _off(flap, now), now)
        if flap == ends_at:
            requests.decide(MODEL, now, ended=world.end_running("SUCCEEDED"))
        now += timedelta(seconds=10)
        requests.rest(MODEL, ALARM, now)
    requests.decide(MODEL, now, ended=world.end_running("SUCCEEDED"))
    requests.decide(MODEL, now + timedelta(hours=2))
    assert len(world.executions) - before == 1
    assert set(world.consumed) >= {f"alarm-{flap}" for flap in range(1, 101)}, "every reason has its answer"


def test_an_alarm_that_stays_off_counts_again_after_its_rest(world: FakeWorld, requests: TrainingRequests) -> None:
    world.batches.append("b1")
    requests.add(MODEL, _off(1, NOW), NOW)
    requests.rest(MODEL, ALARM, NOW + timedelta(seconds=5))
    requests.decide(MODEL, LATER, ended=world.end_running("SUCCEEDED"))
    told = requests.add(MODEL, _off(2, LATER), LATER)
    assert told.startswith(f"coalesced: alarm {ALARM} led to the last run")
    assert len(world.executions) == 1
    assert requests.decide(MODEL, LATER + timedelta(hours=1)).startswith("run: alarm")


def test_a_rest_that_is_told_before_its_alarm_withdraws_it(world: FakeWorld, requests: TrainingRequests) -> None:
    world.batches.append("b1")
    requests.rest(MODEL, ALARM, NOW + timedelta(seconds=5))
    requests.add(MODEL, _off(1, NOW), LATER)
    assert not world.executions
    assert _decisions(world)[0]["decision"] == "refused"


def test_a_reason_that_waited_too_long_is_refused_and_rows_never_are(
    world: FakeWorld, requests: TrainingRequests
) -> None:
    world.deployed = make_recipe(retrain={**RETRAIN, "cooldown_hours": 100, "reason_expires_hours": 2})
    world.current = State(ever_trained=True, last_ended_at=NOW)
    requests.add(MODEL, _batch(world, "b1"), NOW)
    requests.add(MODEL, _asked("s1", "schedule"), NOW)
    assert requests.decide(MODEL, NOW + timedelta(hours=3)).startswith("coalesced: 50 new rows")
    assert "s1" in world.consumed
    assert "e-b1" not in world.consumed
    assert any("reason_expires_hours" in audit["why"] for audit in _decisions(world))
