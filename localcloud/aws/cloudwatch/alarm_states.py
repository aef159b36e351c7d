"""Puts alarms into states: the state, its history and what has to be told of it are one transaction."""

import time
from functools import partial

from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch import announcements, composite_rule, reasons
from localcloud.aws.cloudwatch.history import change_of_state, remember
from localcloud.aws.cloudwatch.store import Named, Store
from localcloud.aws.cloudwatch.teller import Teller


class AlarmStates:
    """The states of all alarms. Its caller sees to it that there is one at a time."""

    def __init__(self, store: Store, clock: Clock, teller: Teller) -> None:
        self._store = store
        self._clock = clock
        self._teller = teller

    def change(self, named: Named, value: str, reason: str, reason_data: str) -> None:
        """Puts an alarm into a state; if it is in it already, only the reason changes and nobody is told."""
        now = self._clock.now()
        before = announcements.state_of(named.document)
        alarm = named.document | {
            "StateValue": value,
            "StateReason": reason,
            "StateReasonData": reason_data,
            "StateUpdatedTimestamp": now,
        }
        if value == before["value"]:
            self._store.put("alarm", named.account, named.region, named.name, alarm)
            return
        alarm["StateTransitionedTimestamp"] = now
        data = change_of_state(before, announcements.state_of(alarm))
        summary = f"Alarm updated from {before['value']} to {value}"
        with self._store.transaction():
            self._store.put("alarm", named.account, named.region, named.name, alarm)
            remember(self._store, named, now, "StateUpdate", summary, data)
            change = {"alarm": alarm, "previous": before}
            # By name, so in the order in which they happened.
            self._store.put("change", named.account, named.region, f"{time.time_ns():020d}", change)
        self._teller.wake()

    def judge_composites(self) -> None:
        """Judges composite alarms until none changes; those that go round in a circle are left as they are then."""
        composites = self._composites()
        for _ in range(len(composites) + 1):
            changed = [named.name for named in composites if self._judge_composite(named)]
            if not changed:
                return
            composites = self._composites()

    def _composites(self) -> list[Named]:
        return [named for named in self._store.all("alarm") if "AlarmRule" in named.document]

    def _judge_composite(self, named: Named) -> bool:
        alarm = named.document
        holds = composite_rule.holds(alarm["AlarmRule"], partial(self._state_of, named))
        state = "ALARM" if holds else "OK"
        if state == alarm["StateValue"]:
            return False
        names = composite_rule.alarms_in(alarm["AlarmRule"])
        children = [child.document for name in names if (child := self._child(named, name))]
        reason, data = reasons.reason_of_composite(alarm, state, children, self._clock.now())
        self.change(named, state, reason, data)
        return True

    def _state_of(self, asking: Named, name: str) -> str:
        child = self._child(asking, name)
        return str(child.document["StateValue"]) if child else "INSUFFICIENT_DATA"

    def _child(self, asking: Named, name: str) -> Named | None:
        """An alarm in a rule, by name or ARN."""
        wanted = name.rpartition(":alarm:")[2]
        document = self._store.find("alarm", asking.account, asking.region, wanted)
        return Named(asking.account, asking.region, wanted, document) if document else None
