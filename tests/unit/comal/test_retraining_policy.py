import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.events import Trigger, TriggerKind
from comal.recipe import Retrain
from comal.retraining_policy import Decision, Situation, decide

RETRAIN = Retrain(on_new_rows=1000)
IDLE = Situation(run_in_flight=None, ever_trained=True, validated_batches=3)
FIRST = Situation(run_in_flight=None, ever_trained=False, validated_batches=1)
BUSY = Situation(run_in_flight="r1", ever_trained=True, validated_batches=3)
EMPTY = Situation(run_in_flight=None, ever_trained=False, validated_batches=0)

KINDS: list[TriggerKind] = ["new_rows", "schedule", "alarm", "request", "champion_changed"]
triggers = st.builds(
    Trigger,
    event_id=st.uuids().map(str),
    kind=st.sampled_from(KINDS),
    reason=st.just("because"),
    rows=st.integers(0, 2000),
)


def _rows(*counts: int) -> list[Trigger]:
    return [
        Trigger(event_id=str(number), kind="new_rows", reason="batch", rows=rows) for number, rows in enumerate(counts)
    ]


def _other(kind: TriggerKind = "request") -> Trigger:
    return Trigger(event_id="x", kind=kind, reason="new store")


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


@given(st.lists(triggers, min_size=1), st.sampled_from([IDLE, FIRST, BUSY, EMPTY]))
def test_the_order_of_triggers_does_not_matter(pending: list[Trigger], situation: Situation) -> None:
    assert decide(pending, situation, RETRAIN).outcome == decide(pending[::-1], situation, RETRAIN).outcome


@given(st.lists(triggers, min_size=1), triggers, st.sampled_from([IDLE, FIRST]))
def test_another_trigger_never_stops_a_run(pending: list[Trigger], more: Trigger, situation: Situation) -> None:
    if decide(pending, situation, RETRAIN).outcome == "run":
        assert decide([*pending, more], situation, RETRAIN).outcome == "run"
