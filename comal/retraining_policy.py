"""When reasons to train become a training run.

They are coalesced, one run at a time is in flight, runs rest between each other and are few a day, an alarm that flaps
is one reason, and a reason does not wait for ever. Pure: what is known comes as arguments, so that any history can be
played through it. docs/adr/0012 says why these rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from comal.events import Trigger, TriggerKind
from comal.recipe import Retrain
from comal.training_window import BatchCounts

DAY = timedelta(days=1)
# An alarm that has led to a run leads to the next only so long after that run: until the new version has been looked
# at, the alarm says nothing new.
ALARM_REST = timedelta(hours=1)

# A person decides, and a run that was decided on another champion is decided again: neither waits for a cooldown.
_URGENT: frozenset[TriggerKind] = frozenset({"request", "champion_changed"})
# Rows stay where they are and are trained on some day; every other reason loses its meaning.
_LASTING: frozenset[TriggerKind] = frozenset({"new_rows"})


@dataclass(frozen=True)
class Reason:
    """A trigger that no run has consumed.

    Attributes:
        arrived_at: When it happened.
        alarm: Name of the alarm, of a trigger of that kind.
    """

    trigger: Trigger
    arrived_at: datetime
    alarm: str = ""


@dataclass(frozen=True)
class PastRun:
    """A run of the last day.

    Attributes:
        ended_at: None while it is in flight.
        alarms: Alarms that led to it.
    """

    started_at: datetime
    ended_at: datetime | None = None
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Situation:
    """What a decision about one model depends on, beside its pending reasons.

    Attributes:
        now: Time of the event that asks for the decision.
        run_in_flight: Id of the run that has not ended, or None.
        ever_trained: Whether some run has succeeded.
        batches: What there is to train on.
        last_ended_at: When the last run ended, however long ago.
        recent_runs: Runs that started within the last day.
    """

    now: datetime
    run_in_flight: str | None
    ever_trained: bool
    batches: BatchCounts
    last_ended_at: datetime | None = None
    recent_runs: Sequence[PastRun] = ()


@dataclass(frozen=True)
class Decision:
    """What to do about the pending reasons: all of them run, wait or are refused together.

    Attributes:
        outcome: `run` starts a run that consumes the reasons; `coalesced` leaves them pending; `refused` consumes
            them without a run; `nothing` is pending.
        why: One sentence, without a full stop.
        not_before: When it is decided again at the latest, if it is time that they wait for.
    """

    outcome: Literal["run", "coalesced", "refused", "nothing"]
    why: str
    not_before: datetime | None = None


def expired(pending: Sequence[Reason], now: datetime, retrain: Retrain) -> list[Reason]:
    """Reasons that have waited longer than `retrain.reason_expires_hours`; rows never do."""
    oldest = now - timedelta(hours=retrain.reason_expires_hours)
    return [reason for reason in pending if reason.trigger.kind not in _LASTING and reason.arrived_at < oldest]


def decide(pending: Sequence[Reason], situation: Situation, retrain: Retrain) -> Decision:
    """Decide about all pending reasons of one model that have not expired.

    New rows count against `retrain.on_new_rows`, or need only be there before the first success; an alarm waits until
    the last run that it led to is `ALARM_REST` ago; every other kind of reason is enough. A run then waits for the
    cooldown and for the daily cap, unless somebody asked for it.
    """
    if not pending:
        return Decision("nothing", "no trigger is pending")
    if situation.run_in_flight:
        return Decision("coalesced", f"run {situation.run_in_flight} is in flight; decided again when it ends")
    if not situation.batches.ready:
        return Decision("refused", situation.batches.lack)
    why, rest_until = _reason_to_run(pending, situation, retrain)
    if not why:
        return Decision("coalesced", _what_is_missing(pending, retrain, rest_until), rest_until)
    if any(reason.trigger.kind in _URGENT for reason in pending):
        return Decision("run", why)
    return _wait(situation, retrain) or Decision("run", why)


def _reason_to_run(pending: Sequence[Reason], situation: Situation, retrain: Retrain) -> tuple[str, datetime | None]:
    """Why to run, empty if nothing pending is enough; and until when alarms rest, if some do."""
    resting = {reason.alarm: _rests_until(reason, situation) for reason in pending if reason.trigger.kind == "alarm"}
    ready = [
        reason.trigger
        for reason in pending
        if reason.trigger.kind != "new_rows" and not (reason.trigger.kind == "alarm" and resting[reason.alarm])
    ]
    if ready:
        return "; ".join(dict.fromkeys(f"{trigger.kind}: {trigger.reason}" for trigger in ready)), None
    rows = _rows(pending)
    if not situation.ever_trained and any(reason.trigger.kind == "new_rows" for reason in pending):
        return f"first training run, on {rows} new rows", None
    if rows >= retrain.on_new_rows:
        return f"{rows} new rows, retrain.on_new_rows is {retrain.on_new_rows}", None
    return "", min((until for until in resting.values() if until), default=None)


def _rests_until(reason: Reason, situation: Situation) -> datetime | None:
    """When an alarm counts again after the last run that it led to; None when it does."""
    ends = [run.ended_at for run in situation.recent_runs if reason.alarm in run.alarms and run.ended_at]
    until = max(ends) + ALARM_REST if ends else None
    return until if until and until > situation.now else None


def _what_is_missing(pending: Sequence[Reason], retrain: Retrain, rest_until: datetime | None) -> str:
    rows = f"{_rows(pending)} new rows of the {retrain.on_new_rows} that retrain.on_new_rows asks for"
    if rest_until is None:
        return rows
    alarms = ", ".join(sorted({reason.alarm for reason in pending if reason.alarm}))
    return f"alarm {alarms} led to the last run, and counts again from {_clock(rest_until)}; {rows}"


def _wait(situation: Situation, retrain: Retrain) -> Decision | None:
    """What to wait for before the next run: the cooldown, then the daily cap."""
    if situation.last_ended_at is not None:
        until = situation.last_ended_at + timedelta(hours=retrain.cooldown_hours)
        if until > situation.now:
            why = f"retrain.cooldown_hours is {retrain.cooldown_hours:g}; the next run may start at {_clock(until)}"
            return Decision("coalesced", why, until)
    started = sorted(run.started_at for run in situation.recent_runs if run.started_at > situation.now - DAY)
    if len(started) >= retrain.max_per_day:
        until = started[-retrain.max_per_day] + DAY
        why = (
            f"{len(started)} runs in 24 hours, retrain.max_per_day is {retrain.max_per_day}; the next may start at "
            f"{_clock(until)}"
        )
        return Decision("coalesced", why, until)
    return None


def _rows(pending: Sequence[Reason]) -> int:
    return sum(reason.trigger.rows for reason in pending)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
