"""The retraining table in DynamoDB: triggers, state and decisions of every model."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from comal.events import Trigger
from comal.table_items import from_item, to_attribute, to_item
from lambdas.request_training.run import SUCCEEDED, EndedRun, PendingTrigger, Run, State

# Audit rows and events carry reasons; a longer one is cut so that 500 of them fit.
_REASON_LENGTH = 256


class RetrainingTable:
    """Rows are described in the kit's data contract: `state`, `trigger#<id>`, `decision#<time>#<key>`, by model."""

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
        )

    def add(self, model: str, pending: PendingTrigger, arrived_at: datetime) -> None:
        """Write a trigger down, unless it was there before, consumed or not."""
        trigger = pending.trigger
        row = {
            "pk": model,
            "sk": f"trigger#{trigger.event_id}",
            "kind": trigger.kind,
            "reason": trigger.reason[:_REASON_LENGTH],
            "rows": trigger.rows,
            "batch_id": pending.batch_id,
            "arrived_at": arrived_at.isoformat(),
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

    def end(self, model: str, ended: EndedRun) -> None:
        """Take a run out of flight; nothing happens when it is not in flight."""
        trained = ", ever_trained = :yes" if ended.status == SUCCEEDED else ""
        values: dict[str, Any] = {":run": ended.run_id, ":last": asdict(ended), ":one": 1}
        self._conditionally(
            self._dynamodb.update_item,
            Key=_key(model, "state"),
            UpdateExpression=f"SET last_run = :last, revision = revision + :one{trained} REMOVE in_flight",
            ConditionExpression="in_flight.run_id = :run",
            ExpressionAttributeValues=to_item(values | ({":yes": True} if trained else {})),
        )

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
    return PendingTrigger(trigger, row["batch_id"])
