"""When reasons to train become a run, whatever history led there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.events import Trigger, TriggerKind
from comal.recipe import Retrain
from comal.retraining_policy import ALARM_REST, Decision, PastRun, Reason, Situation, decide, expired
from comal.training_window import BatchCounts

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RETRAIN = Retrain(on_new_rows=1000, cooldown_hours=6, max_per_day=2)
IDLE = Situation(now=NOW, run_in_flight=None, ever_trained=True, batches=BatchCounts(3))
FIRST = replace(IDLE, ever_trained=False, batches=BatchCounts(1))
BUSY = replace(IDLE, run_in_flight="r1")
EMPTY = replace(FIRST, batches=BatchCounts(0))
RESTING = replace(IDLE, last_ended_at=NOW - timedelta(hours=2))
SPENT = replace(IDLE, recent_runs=[PastRun(NOW - timedelta(hours=hours)) for hours in (20, 8)])

KINDS: list[TriggerKind] = ["new_rows", "schedule", "alarm", "request", "champion_changed"]
reasons = st.builds(
    Reason,
    trigger=st.builds(
        Trigger,
        event_id=st.uuids().map(str),
        kind=st.sampled_from(KINDS),
        reason=st.just("because"),
        rows=st.integers(0, 2000),
    ),
    arrived_at=st.just(NOW),
    alarm=st.just("drift"),
)


def _rows(*counts: int) -> list[Reason]:
    return [
        Reason(Trigger(event_id=str(number), kind="new_rows", reason="batch", rows=rows), NOW)
        for number, rows in enumerate(counts)
    ]


def _other(kind: TriggerKind = "request", at: datetime = NOW) -> Reason:
    return Reason(Trigger(event_id="x", kind=kind, reason="new store"), at, alarm="drift" if kind == "alarm" else "")


def test_nothing_pending_is_nothing_to_do() -> None:
    assert decide([], IDLE, RETRAIN).outcome == "nothing"
    assert decide([], BUSY, RETRAIN).outcome == "nothing"


def test_one_batch_is_enough_for_the_first_run() -> None:
    assert decide(_rows(1), FIRST, RETRAIN) == Decision("run", "first training run, on 1 new rows")


def test_rows_of_all_pending_batches_count_together() -> None:
    assert decide(_rows(400, 599), IDLE, RETRAIN).outcome == "coalesced"
    assert decide(_rows(400, 600), IDLE, RETRAIN).outcome == "run"


def test_what_waits_for_rows_says_how_many() -> None:
    assert decide(_rows(400), IDLE, RETRAIN).why == ("400 new rows of the 1000 that retrain.on_new_rows asks for")


@pytest.mark.parametrize("kind", ["schedule", "alarm", "request", "champion_changed"])
def test_every_other_kind_runs_at_once(kind: TriggerKind) -> None:
    decision = decide([*_rows(1), _other(kind)], IDLE, RETRAIN)
    assert decision == Decision("run", f"{kind}: new store")


def test_everything_waits_for_the_run_in_flight() -> None:
    decision = decide([*_rows(5000), _other()], BUSY, RETRAIN)
    assert decision.outcome == "coalesced"
    assert "r1" in decision.why


def test_without_data_a_request_is_refused() -> None:
    assert decide([_other()], EMPTY, RETRAIN) == Decision("refused", "there is no validated batch to train on")


@pytest.mark.parametrize(
    ("waiting", "why"),
    [(1, "1 validated batch waits for its windows"), (7, "7 validated batches wait for their windows")],
)
def test_while_no_window_is_computed_a_request_is_refused_for_that(waiting: int, why: str) -> None:
    decision = decide([_other()], replace(EMPTY, batches=BatchCounts(0, waiting)), RETRAIN)
    assert decision == Decision("refused", f"{why}, which are still being computed")


@pytest.mark.parametrize("kind", ["schedule", "alarm", "new_rows"])
def test_a_run_rests_before_the_next(kind: TriggerKind) -> None:
    pending = _rows(5000) if kind == "new_rows" else [_other(kind)]
    decision = decide(pending, RESTING, RETRAIN)
    assert (decision.outcome, decision.not_before) == ("coalesced", NOW + timedelta(hours=4))
    assert "2026-03-02 16:00 UTC" in decision.why
    assert decide(pending, replace(RESTING, now=NOW + timedelta(hours=4)), RETRAIN).outcome == "run"


@pytest.mark.parametrize("kind", ["schedule", "alarm", "new_rows"])
def test_a_day_has_so_many_runs(kind: TriggerKind) -> None:
    pending = _rows(5000) if kind == "new_rows" else [_other(kind)]
    decision = decide(pending, SPENT, RETRAIN)
    assert (decision.outcome, decision.not_before) == ("coalesced", NOW + timedelta(hours=4))
    assert "retrain.max_per_day is 2" in decision.why
    assert decide(pending, replace(SPENT, now=NOW + timedelta(hours=4)), RETRAIN).outcome == "run"


@pytest.mark.parametrize("situation", [RESTING, SPENT])
def test_a_person_s_request_waits_for_neither(situation: Situation) -> None:
    assert decide([_other()], situation, RETRAIN).outcome == "run"


def test_an_alarm_that_led_to_a_run_rests_before_it_counts_again() -> None:
    past = PastRun(NOW - timedelta(hours=1), NOW - timedelta(minutes=50), ("drift",))
    situation = replace(IDLE, recent_runs=[past])
    decision = decide([_other("alarm")], situation, Retrain(cooldown_hours=0))
    assert (decision.outcome, decision.not_before) == ("coalesced", NOW + timedelta(minutes=10))
    later = replace(situation, now=NOW + ALARM_REST)
    assert decide([_other("alarm")], later, Retrain(cooldown_hours=0)).outcome == "run"
    another = replace(past, alarms=("quality",))
    assert decide([_other("alarm")], replace(IDLE, recent_runs=[another]), Retrain(cooldown_hours=0)).outcome == "run"


def test_reasons_expire_and_rows_do_not() -> None:
    old = NOW - timedelta(hours=73)
    pending = [_other("alarm", old), _other("schedule"), replace(_rows(5)[0], arrived_at=old)]
    assert expired(pending, NOW, RETRAIN) == pending[:1]


@given(st.lists(reasons, min_size=1), st.sampled_from([IDLE, FIRST, BUSY, EMPTY, RESTING, SPENT]))
def test_the_order_of_reasons_does_not_matter(pending: list[Reason], situation: Situation) -> None:
    assert decide(pending, situation, RETRAIN).outcome == decide(pending[::-1], situation, RETRAIN).outcome


@given(st.lists(reasons, min_size=1), reasons, st.sampled_from([IDLE, FIRST, RESTING, SPENT]))
def test_another_reason_never_stops_a_run(pending: list[Reason], more: Reason, situation: Situation) -> None:
    if decide(pending, situation, RETRAIN).outcome == "run":
        assert decide([*pending, more], situation, RETRAIN).outcome == "run"
