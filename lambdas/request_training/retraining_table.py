"""The retraining table in DynamoDB: triggers, state and decisions of every model."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from comal.events import Trigger
from comal.one_line import one_line
from comal.recipe_training import Search
from comal.retraining_policy import PastRun
from comal.table_items import from_item, to_attribute, to_item
from lambdas.request_training.run import SUCCEEDED, EndedRun, PendingTrigger, Run, State

# Audit rows and events carry reasons; a longer one is cut so that 500 of them fit.
_REASON_LENGTH = 256


class RetrainingTable:
    """Rows of a model: `state`, `trigger#<id>`, `alarm#<name>`, `decision#<time>#<key>`."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def state(self, model: str) -> State:
        """Where the model stands; a model without a row has never been asked about."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(model, "state"), ConsistentRead=True)
        row = from_item(answer.get("Item", {}))
        in_flight, last_run = row.get("in_flight"), row.get("last_run")
        return State(
            revision=row.get("revision", 0),
            in_flight=_run(in_flight) if in_flight else None,
            last_run=EndedRun(**last_run) if last_run else None,
            ever_trained=row.get("ever_trained", False),
            last_ended_at=_moment(row.get("last_ended_at")),
            past_runs=[_past_run(values) for values in row.get("past_runs", [])],
        )

    def add(self, model: str, pending: PendingTrigger) -> None:
        """Write a trigger down, unless it was there before, consumed or not."""
        trigger = pending.trigger
        row = {
            "pk": model,
            "sk": f"trigger#{trigger.event_id}",
            "kind": trigger.kind,
            "reason": one_line(trigger.reason, limit=_REASON_LENGTH),
            "rows": trigger.rows,
            "batch_id": pending.batch_id,
            "alarm": pending.alarm,
            "search": pending.search.model_dump_json() if pending.search else "",
            "arrived_at": pending.arrived_at.isoformat(),
        }
        self._conditionally(self._dynamodb.put_item, Item=to_item(row), ConditionExpression="attribute_not_exists(pk)")

    def pending(self, model: str) -> list[PendingTrigger]:
        """Triggers that nothing has consumed, oldest first."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :model AND begins_with(sk, :prefix)",
            FilterExpression="attribute_not_exists(run_id)",
            ExpressionAttributeValues=to_item({":model": model, ":prefix": "trigger#"}),
            ConsistentRead=True,
        )
        rows = [from_item(item) for page in pages for item in page["Items"]]
        return [_pending_trigger(row) for row in sorted(rows, key=lambda row: str(row["arrived_at"]))]

    def consume(self, model: str, triggers: Sequence[Trigger], run_id: str) -> None:
        """Mark triggers as consumed by a run, or by a refusal (an empty run id)."""
        for trigger in triggers:
            self._conditionally(
                self._dynamodb.update_item,
                Key=_key(model, f"trigger#{trigger.event_id}"),
                UpdateExpression="SET run_id = :run",
                # A row that somebody has deleted must not come back in half.
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(run_id)",
                ExpressionAttributeValues=to_item({":run": run_id}),
            )

    def claim(self, model: str, run: Run, revision: int) -> bool:
        """Put a run in flight; False if the state has changed since that revision."""
        unchanged = "revision = :seen" if revision else "attribute_not_exists(revision)"
        return self._conditionally(
            self._dynamodb.update_item,
            Key=_key(model, "state"),
            UpdateExpression="SET in_flight = :run, revision = :next",
            ConditionExpression=f"attribute_not_exists(in_flight) AND {unchanged}",
            ExpressionAttributeValues=to_item(
                {":run": _run_values(run), ":next": revision + 1, **({":seen": revision} if revision else {})}
            ),
        )

    def set_announced(self, model: str, run_id: str) -> None:
        """Note that a run was carried out to the end."""
        self._conditionally(
            self._dynamodb.update_item,
            Key=_key(model, "state"),
            UpdateExpression="SET in_flight.announced = :yes",
            ConditionExpression="in_flight.run_id = :run",
            ExpressionAttributeValues=to_item({":run": run_id, ":yes": True}),
        )

    def end(self, model: str, ended: EndedRun, ended_at: datetime, past_runs: Sequence[PastRun]) -> None:
        """Take a run out of flight; nothing happens when it is not in flight."""
        trained = ", ever_trained = :yes" if ended.status == SUCCEEDED else ""
        values: dict[str, Any] = {
            ":run": ended.run_id,
            ":last": asdict(ended),
            ":one": 1,
            ":at": ended_at.isoformat(),
            ":past": [_past_run_values(run) for run in past_runs],
        }
        self._conditionally(
            self._dynamodb.update_item,
            Key=_key(model, "state"),
            UpdateExpression=(
                "SET last_run = :last, last_ended_at = :at, past_runs = :past, revision = revision + :one"
                f"{trained} REMOVE in_flight"
            ),
            ConditionExpression="in_flight.run_id = :run",
            ExpressionAttributeValues=to_item(values | ({":yes": True} if trained else {})),
        )

    def note_rest(self, model: str, alarm: str, at: datetime) -> None:
        """Remember that an alarm was at rest; an older rest changes nothing."""
        self._conditionally(
            self._dynamodb.put_item,
            Item=to_item({"pk": model, "sk": f"alarm#{alarm}", "rested_at": at.isoformat()}),
            ConditionExpression="attribute_not_exists(pk) OR rested_at < :at",
            ExpressionAttributeValues=to_item({":at": at.isoformat()}),
        )

    def rested_at(self, model: str, alarm: str) -> datetime | None:
        """When an alarm was last known to be at rest."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(model, f"alarm#{alarm}"), ConsistentRead=True)
        return _moment(from_item(answer.get("Item", {})).get("rested_at"))

    def audit(
        self, model: str, time: str, key: str, decision: str, why: str, triggers: Sequence[Trigger], run_id: str
    ) -> None:
        """Keep a decision for people to read; the same key again replaces it."""
        row = {
            "pk": model,
            "sk": f"decision#{time}#{key}",
            "decision": decision,
            "why": why,
            "triggers": [trigger.model_dump() for trigger in triggers],
        }
        if run_id:
            row["run_id"] = run_id
        self._dynamodb.put_item(TableName=self._table, Item=to_item(row))

    def _conditionally(self, write: Any, **request: Any) -> bool:
        """Whether the write's condition held."""
        try:
            write(TableName=self._table, **request)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(model: str, sort_key: str) -> dict[str, Any]:
    return {"pk": to_attribute(model), "sk": to_attribute(sort_key)}


def _run_values(run: Run) -> dict[str, Any]:
    return {**asdict(run), "triggers": [trigger.model_dump() for trigger in run.triggers]}


def _run(values: dict[str, Any]) -> Run:
    return Run(**{**values, "triggers": [Trigger.model_validate(trigger) for trigger in values["triggers"]]})


def _pending_trigger(row: dict[str, Any]) -> PendingTrigger:
    trigger = Trigger(
        event_id=row["sk"].removeprefix("trigger#"), kind=row["kind"], reason=row["reason"], rows=row["rows"]
    )
    return PendingTrigger(
        trigger,
        datetime.fromisoformat(row["arrived_at"]),
        alarm=row.get("alarm", ""),
        batch_id=row["batch_id"],
        search=Search.model_validate_json(row["search"]) if row.get("search") else None,
    )


def _past_run(values: dict[str, Any]) -> PastRun:
    started_at = datetime.fromisoformat(values["started_at"])
    return PastRun(started_at, _moment(values["ended_at"]), tuple(values["alarms"]))


def _past_run_values(run: PastRun) -> dict[str, Any]:
    ended_at = run.ended_at.isoformat() if run.ended_at else None
    return {"started_at": run.started_at.isoformat(), "ended_at": ended_at, "alarms": list(run.alarms)}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
