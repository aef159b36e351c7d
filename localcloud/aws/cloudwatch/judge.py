"""Judges every alarm when its period has ended, and whoever depends on it.

An alarm whose metrics have had no value for as long as it looks back cannot change any more, until one arrives: it is
left alone. So a stepped clock that runs through a month stops for an alarm only while there is something to see.
"""

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch import announcements, composite_rule, queries
from localcloud.aws.cloudwatch.actions import Actions
from localcloud.aws.cloudwatch.reasons import Datapoints, reason_data_of, reason_of
from localcloud.aws.cloudwatch.store import Document, Named, Store
from localcloud.aws.cloudwatch.verdict import Rule, judge

logger = logging.getLogger("localcloud.cloudwatch")

# A period is judged when its last values have come: functions' logs and endpoints need about a second.
SETTLE_S = 1.5
_LOOK_S = 0.25
_CLEAN_UP_S = 600.0
# A hidden member of an alarm: the state before, as long as nobody has been told of the new one.
_UNTOLD = "_Untold"

# Namespaces of metrics that say how much there is of something, for as long as there is any.
_LEVELS = frozenset({"AWS/SQS"})

Identity = tuple[str, str, str]


class Judge:
    """A thread that looks; `Timers` for the stepped clock."""

    def __init__(self, store: Store, clock: Clock, actions: Actions) -> None:
        self._store = store
        self._clock = clock
        self._actions = actions
        self._judged: dict[Identity, int] = {}
        self._quiet: set[Identity] = set()
        self._alarms: list[Named] | None = None  # read anew when one is changed
        # Namespace and names of metrics that have new values, and the newest value's time. Whoever puts values must
        # never wait for a judgement.
        self._arrived: deque[tuple[str, frozenset[str], float]] = deque()
        self._newest: dict[Identity, float] = {}
        self._publishers: list[Callable[[], None]] = []
        self._looking = threading.RLock()
        self._stopping = threading.Event()
        self._cleaned_at = 0.0
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def start(self) -> None:
        """Begins; what a killed emulator had not told is told."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def watch(self, publish: Callable[[], None]) -> None:
        """Has metrics published before every look at the alarms."""
        self._publishers.append(publish)

    def forget(self) -> None:
        """An alarm was put, deleted or switched; everything is looked at again."""
        with self._looking:
            self._alarms = None
            self._quiet.clear()
            self._judged.clear()

    def wake(self, namespace: str, names: frozenset[str], newest: float) -> None:
        """Metrics have new values, the newest of this time."""
        self._arrived.append((namespace, names, newest))

    def set_state(self, named: Named, value: str, reason: str, reason_data: str) -> None:
        """Puts an alarm into a state, tells everybody, and judges what depends on it."""
        with self._looking:
            self._set_state(named, value, reason, reason_data)
            self._judge_composites()

    # Timers -----------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """End of the next period that is to be judged."""
        with self._looking:
            self._rouse()
            due = [
                self._judged.get(_identity(named), self._boundary(named)) + _period(named) + SETTLE_S
                for named in self._all()
                if _is_metric_alarm(named) and _identity(named) not in self._quiet
            ]
        return min(due, default=None)

    def fire_due(self) -> None:
        """Judges what is due."""
        self._look()

    def is_idle(self) -> bool:
        """Judging is done when it returns."""
        return True

    # Details ----------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._tell_untold()
        while not self._stopping.wait(_LOOK_S):
            self._look()
            now = self._clock.now()
            self._store.flush()
            if now - self._cleaned_at > _CLEAN_UP_S:
                self._store.forget_old(now)
                self._cleaned_at = now

    def _look(self) -> None:
        with self._looking:
            for publish in self._publishers:
                publish()
            self._rouse()
            changed = False
            for named in self._all():
                identity = _identity(named)
                if not _is_metric_alarm(named) or identity in self._quiet:
                    continue
                boundary = self._boundary(named)
                if self._judged.get(identity) == boundary:
                    continue
                self._judged[identity] = boundary
                try:
                    changed |= self._judge(named, boundary)
                except ApiError as error:
                    logger.warning("alarm %s cannot be judged: %s", named.name, error)
                    self._quiet.add(identity)
            if changed:
                self._judge_composites()

    def _rouse(self) -> None:
        """Alarms whose metrics have new values are quiet no more."""
        while self._arrived:
            namespace, names, newest = self._arrived.popleft()
            for named in self._all():
                if any(space == namespace and name in names for space, name in _watched(named)):
                    identity = _identity(named)
                    self._quiet.discard(identity)
                    self._newest[identity] = max(newest, self._newest.get(identity, newest))

    def _boundary(self, named: Named) -> int:
        """The end of the newest period that is over, and settled."""
        period_s = _period(named)
        return int((self._clock.now() - SETTLE_S) // period_s) * period_s

    def _all(self) -> list[Named]:
        if self._alarms is None:
            self._alarms = self._store.all("alarm")
        return self._alarms

    def _judge(self, named: Named, boundary: int) -> bool:
        """Judge a metric alarm; whether its state changed."""
        alarm, rule, period_s = named.document, Rule.of(named.document), _period(named)
        between = queries.Range(boundary - rule.range_periods * period_s, boundary)
        asked = announcements.queries_of(alarm)
        values = queries.compute(self._store, named.account, named.region, asked, between)
        returned = next(query["Id"] for query in asked if query.get("ReturnData", True))
        series = queries.as_series(values[returned], asked, between)
        datapoints: Datapoints = [(start, series.get(start)) for start in range(between.start, boundary, period_s)]
        if self._is_at_rest(named, rule, boundary, [value for _, value in datapoints]):
            self._quiet.add(_identity(named))
        state = judge(rule, [value for _, value in datapoints])
        if state is None or state == alarm["StateValue"]:
            return False
        reason = reason_of(rule, state, alarm["StateValue"], datapoints)
        self._set_state(named, state, reason, reason_data_of(alarm, period_s, datapoints, self._clock.now()))
        return True

    def _is_at_rest(self, named: Named, rule: Rule, boundary: int, values: Sequence[float | None]) -> bool:
        """Whether nothing changes any more until new values come."""
        if boundary <= self._newest.get(_identity(named), 0.0):
            return False
        there = [value for value in values if value is not None]
        # A level stays as it is, and is measured all the time.
        is_level = len(there) == len(values) and all(space in _LEVELS for space, _ in _watched(named))
        return not there or (is_level and len(set(map(rule.is_breached_by, there))) == 1)

    def _judge_composites(self) -> None:
        """Until nothing changes any more: composites may depend on each other."""
        changed = True
        while changed:
            changed = False
            for named in self._all():
                rule = named.document.get("AlarmRule")
                if rule is None:
                    continue
                state = "ALARM" if composite_rule.holds(rule, partial(self._state_of, named)) else "OK"
                if state != named.document["StateValue"]:
                    self._set_state(named, state, f"{named.document['AlarmArn']} transitioned to {state}", "")
                    changed = True

    def _state_of(self, asking: Named, name: str) -> str:
        wanted = name.rpartition(":alarm:")[2]
        found = self._store.find("alarm", asking.account, asking.region, wanted)
        return str(found["StateValue"]) if found else "INSUFFICIENT_DATA"

    def _set_state(self, named: Named, value: str, reason: str, reason_data: str) -> None:
        now = self._clock.now()
        before = announcements.state_of(named.document)
        alarm = named.document | {
            "StateValue": value,
            "StateReason": reason,
            "StateReasonData": reason_data,
            "StateUpdatedTimestamp": now,
            _UNTOLD: before,
        }
        if value != before["value"]:
            alarm["StateTransitionedTimestamp"] = now
        changed = replace(named, document=alarm)
        summary = f"Alarm updated from {before['value']} to {value}"
        data = {
            "version": "1.0",
            "oldState": _history_state(before),
            "newState": _history_state(announcements.state_of(alarm)),
        }
        with self._store.transaction():
            self._store.put("alarm", named.account, named.region, named.name, alarm)
            self._remember(changed, "StateUpdate", summary, json.dumps(data))
        self._alarms = None
        self._tell(changed)

    def _tell(self, named: Named) -> None:
        """Tells of a new state; told twice rather than not at all."""
        previous = named.document[_UNTOLD]
        for item in self._actions.announce(named, previous):
            self._remember(named, "Action", item["HistorySummary"], item["HistoryData"])
        told = {key: value for key, value in named.document.items() if key != _UNTOLD}
        self._store.put("alarm", named.account, named.region, named.name, told)
        self._alarms = None

    def _tell_untold(self) -> None:
        with self._looking:
            for named in self._all():
                if _UNTOLD in named.document:
                    self._tell(named)

    def _remember(self, named: Named, kind: str, summary: str, data: str) -> None:
        remember(self._store, named, self._clock.now(), kind, summary, data)


def remember(store: Store, named: Named, now: float, kind: str, summary: str, data: str) -> None:
    """Adds to an alarm's history.

    Args:
        store: Where.
        named: The alarm.
        now: Epoch seconds.
        kind: ConfigurationUpdate, StateUpdate or Action.
        summary: One sentence.
        data: JSON text.
    """
    item = {
        "AlarmName": named.name,
        "AlarmType": "CompositeAlarm" if "AlarmRule" in named.document else "MetricAlarm",
        "Timestamp": now,
        "HistoryItemType": kind,
        "HistorySummary": summary,
        "HistoryData": data,
    }
    store.remember(named.account, named.region, named.name, now, item)


def _history_state(state: Document) -> dict[str, Any]:
    shown: dict[str, Any] = {"stateValue": state["value"], "stateReason": state["reason"]}
    return shown | ({"stateReasonData": json.loads(state["reasonData"])} if state.get("reasonData") else {})


def _identity(named: Named) -> Identity:
    return named.account, named.region, named.name


def _is_metric_alarm(named: Named) -> bool:
    return "AlarmRule" not in named.document


def _watched(named: Named) -> set[tuple[str, str]]:
    return queries.metrics_of(announcements.queries_of(named.document)) if _is_metric_alarm(named) else set()


def _period(named: Named) -> int:
    return queries.period_of(announcements.queries_of(named.document))
