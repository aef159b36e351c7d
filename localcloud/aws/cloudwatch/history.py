"""What happened to an alarm, as DescribeAlarmHistory shows it."""

import json
from typing import Any, Literal

from localcloud.aws.cloudwatch.store import Document, Named, Store

Kind = Literal["ConfigurationUpdate", "StateUpdate", "Action"]


def remember(store: Store, named: Named, now: float, kind: Kind, summary: str, data: str) -> None:
    """Adds to an alarm's history.

    Args:
        store: Where.
        named: The alarm.
        now: Epoch seconds.
        kind: What happened.
        summary: One sentence.
        data: JSON text.
    """
    item = {
        "AlarmName": named.name,
        "AlarmType": kind_of(named),
        "Timestamp": now,
        "HistoryItemType": kind,
        "HistorySummary": summary,
        "HistoryData": data,
    }
    store.remember(named.account, named.region, named.name, now, item)


def kind_of(named: Named) -> str:
    """`MetricAlarm` or `CompositeAlarm`."""
    return "CompositeAlarm" if "AlarmRule" in named.document else "MetricAlarm"


def change_of_state(before: Document, after: Document) -> str:
    """The data of a StateUpdate; both states by `announcements.state_of`."""
    return json.dumps({"version": "1.0", "oldState": _shown(before), "newState": _shown(after)})


def _shown(state: Document) -> dict[str, Any]:
    shown: dict[str, Any] = {"stateValue": state["value"], "stateReason": state["reason"]}
    return shown | ({"stateReasonData": json.loads(state["reasonData"])} if state.get("reasonData") else {})
