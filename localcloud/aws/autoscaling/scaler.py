"""Looks at every scalable target: scheduled actions by the clock, policies by the minute, changes until done."""

import logging
import threading

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.api_errors import ApiError
from localcloud.aws.autoscaling.activities import Activities
from localcloud.aws.autoscaling.fleets import FleetState
from localcloud.aws.autoscaling.operations import ADJUST, check_range
from localcloud.aws.autoscaling.schedule import next_due
from localcloud.aws.autoscaling.store import Document, Entry, Store
from localcloud.aws.autoscaling.target_tracking import (
    LOW_MINUTES,
    MINUTE_S,
    Direction,
    Wish,
    agree,
    wish,
)
from localcloud.aws.autoscaling.tracked_metric import MetricReader, metric_queries, tracking_of, with_quiet_minutes
from localcloud.aws.autoscaling.variant import Variant
from localcloud.aws.clock import Clock

logger = logging.getLogger("localcloud.autoscaling")

# A minute is judged when its last values have come: endpoints publish theirs once a second.
SETTLE_S = 2.0
_LOOK_S = 1.0
_LOOK_WHILE_CHANGING_S = 0.1


class Scaler:
    """A thread that looks; `Timers` for the stepped clock."""

    def __init__(self, store: Store, clock: Clock, activities: Activities, metrics: MetricReader) -> None:
        self._store = store
        self._clock = clock
        self._activities = activities
        self._metrics = metrics
        self._judged: dict[Variant, int] = {}
        # Variants that a policy may change in the next minutes: there is traffic, or a fleet to shrink without it.
        self._watched: set[Variant] = set()
        self._looking = threading.Lock()
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="autoscaling", daemon=True)

    def start(self) -> None:
        """Begins with what the last emulator left."""
        self._work.set()
        self._thread.start()

    def stop(self) -> None:
        """Ends; what is in progress is taken up again by the next start."""
        self._stopping.set()
        self._work.set()
        self._thread.join(timeout=5)

    def wake(self) -> None:
        """Something is registered that may have to be scaled."""
        self._work.set()

    def next_due(self) -> float | None:
        """The next scheduled action, or the next minute to judge."""
        due = [_action_due(entry.document) for entry in self._store.all("action")]
        if self._watched:
            due.append(self._minute() + MINUTE_S + SETTLE_S)
        return min((moment for moment in due if moment is not None), default=None)

    def fire_due(self) -> None:
        """Does what is due, and finds out which variants are to be watched."""
        self._look(always_reads=True)

    def is_idle(self) -> bool:
        """Whether no change is in progress."""
        return self._activities.are_idle()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._work.wait()
            if not self._store.all("target") and self._activities.are_idle():
                self._work.clear()
                continue
            self._look(always_reads=False)
            self._stopping.wait(_LOOK_S if self._activities.are_idle() else _LOOK_WHILE_CHANGING_S)

    def _minute(self) -> int:
        """Start of the minute that is not over yet, or not settled."""
        return int((self._clock.now() - SETTLE_S) // MINUTE_S) * MINUTE_S

    def _look(self, *, always_reads: bool) -> None:
        with self._looking:
            self._activities.follow_up()
            targets = self._store.all("target")
            self._watched &= {entry.variant for entry in targets}
            for entry in targets:
                if self._stopping.is_set():
                    return
                try:
                    self._look_at(entry, always_reads=always_reads)
                except (ApiError, BotoCoreError, ClientError) as error:
                    logger.warning("%s is not scaled: %s", entry.variant.resource_id, error)
                except Exception:  # the other targets go on
                    logger.exception("%s is not scaled", entry.variant.resource_id)

    def _look_at(self, entry: Entry, *, always_reads: bool) -> None:
        variant = entry.variant
        target = self._fire_actions(variant, entry.document)
        state = self._activities.fleets.look(variant)
        if state is None or not state.is_resting or self._activities.is_changing(variant):
            return
        if ADJUST in target:
            wanted = min(target["MaxCapacity"], max(target["MinCapacity"], state.capacity))
            if wanted != state.capacity:
                self._activities.begin(variant, state, wanted, target[ADJUST])
                return
            self._store.put("target", variant, "", {key: value for key, value in target.items() if key != ADJUST})
        if always_reads or self._judged.get(variant) != self._minute():
            self._judge(variant, target, state)

    def _fire_actions(self, variant: Variant, target: Document) -> Document:
        """Changes the target's range where an action is due; its new document.

        What falls into a suspension is passed over, and not made up for.
        """
        for entry in self._store.of_variant("action", variant):
            action, due = entry.document, _action_due(entry.document)
            if due is None or due > self._clock.now():
                continue
            changed = target | action["ScalableTargetAction"] | {ADJUST: f"scheduled action {entry.name} was triggered"}
            with self._store.transaction():
                self._store.put("action", variant, entry.name, action | {"_FiredAt": self._clock.now()})
                if target["SuspendedState"]["ScheduledScalingSuspended"]:
                    continue
                try:
                    check_range(changed)
                except ApiError as error:
                    logger.warning("%s: scheduled action %s: %s", variant.resource_id, entry.name, error)
                    continue
                self._store.put("target", variant, "", changed)
            target = changed
        return target

    def _judge(self, variant: Variant, target: Document, state: FleetState) -> None:
        """Once for each minute; read again in the same minute only to see whether to watch it."""
        minute = self._minute()
        last = self._activities.last_scaling(variant)
        wishes: dict[str, Wish] = {}
        may_change = False
        for entry in self._store.of_variant("policy", variant):
            config = entry.document["TargetTrackingScalingPolicyConfiguration"]
            values = self._metrics.read(
                variant.region,
                metric_queries(variant, config),
                minute - LOW_MINUTES * MINUTE_S,
                self._clock.now(),
            )
            may_change = may_change or bool(values) or state.capacity > target["MinCapacity"]
            values = with_quiet_minutes(config, values, entry.document["CreationTime"], minute)
            wishes[entry.name] = wish(tracking_of(config), state.capacity, values, minute, last)
        (self._watched.add if may_change else self._watched.discard)(variant)
        if self._judged.get(variant) == minute:
            return
        self._judged[variant] = minute
        allowed = [one for one in wishes.values() if not _is_suspended(target, one)]
        wanted = agree(allowed, state.capacity, target["MinCapacity"], target["MaxCapacity"])
        if allowed and wanted != state.capacity:
            direction = Direction.OUT if wanted > state.capacity else Direction.IN
            names = ", ".join(name for name, one in wishes.items() if one.direction is direction)
            alarm = "high" if direction is Direction.OUT else "low"
            cause = f"the {alarm} alarm of target tracking is in state ALARM and triggered policy {names}"
            self._activities.begin(variant, state, wanted, cause)


def _is_suspended(target: Document, one: Wish) -> bool:
    suspended = target["SuspendedState"]
    return bool(
        (one.direction is Direction.OUT and suspended["DynamicScalingOutSuspended"])
        or (one.direction is Direction.IN and suspended["DynamicScalingInSuspended"])
    )


def _action_due(action: Document) -> float | None:
    since = max(action["_ChangedAt"], action.get("StartTime", 0.0))
    due = next_due(action["Schedule"], action.get("_FiredAt"), since)
    return None if due is None or due > action.get("EndTime", due) else due
