"""When reasons to train become a training run: they are coalesced, and one run at a time is in flight.

Pure: what is known comes as arguments, so that any history can be played through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from comal.events import Trigger
from comal.recipe import Retrain


@dataclass(frozen=True)
class Situation:
    """What a decision about one model depends on, beside its pending triggers.

    Attributes:
        run_in_flight: Id of the run that has not ended, or None.
        ever_trained: Whether some run has succeeded.
        validated_batches: How many batches there are to train on.
    """

    run_in_flight: str | None
    ever_trained: bool
    validated_batches: int


@dataclass(frozen=True)
class Decision:
    """What to do about the pending triggers: all of them run, wait or are refused together.

    Attributes:
        outcome: `run` starts a run that consumes the triggers; `coalesced` leaves them pending; `refused` consumes
            them without a run; `nothing` is pending.
        why: One sentence, without a full stop.
    """

    outcome: Literal["run", "coalesced", "refused", "nothing"]
    why: str


def decide(pending: Sequence[Trigger], situation: Situation, retrain: Retrain) -> Decision:
    """Decide about all pending triggers of one model.

    New rows count against `retrain.on_new_rows`, or need only be there before the first success; every other kind of
    trigger runs at once.
    """
    if not pending:
        return Decision("nothing", "no trigger is pending")
    if situation.run_in_flight:
        return Decision("coalesced", f"run {situation.run_in_flight} is in flight; decided again when it ends")
    if not situation.validated_batches:
        return Decision("refused", "there is no validated batch to train on")
    others = [trigger for trigger in pending if trigger.kind != "new_rows"]
    if others:
        reasons = "; ".join(dict.fromkeys(f"{trigger.kind}: {trigger.reason}" for trigger in others))
        return Decision("run", reasons)
    rows = sum(trigger.rows for trigger in pending)
    if not situation.ever_trained:
        return Decision("run", f"first training run, on {rows} new rows")
    if rows >= retrain.on_new_rows:
        return Decision("run", f"{rows} new rows, retrain.on_new_rows is {retrain.on_new_rows}")
    return Decision("coalesced", f"{rows} new rows of the {retrain.on_new_rows} that retrain.on_new_rows asks for")
