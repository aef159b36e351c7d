"""The batches table: each batch is claimed once, and each content of a model belongs to one batch."""

from dataclasses import fields
from typing import Any

from comal.table_items import from_item, to_attribute, to_item
from lambdas.validate_batch.batch import Batch


class BatchAtWorkError(Exception):
    """Another delivery is at work on the batch, or on one of the same content. The message has to come again."""


class BatchTable:
    """Rows `batch#<id>` and `content#<sha256>` of every model."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def claim(self, model: str, batch: Batch, now_s: int) -> Batch:
        """Begin a batch, or take up one whose attempt has ended before it was done.

        Args:
            model: Name of the model.
            batch: The row to write if there is none.
            now_s: Unix time.

        Returns:
            The batch as the table has it; `processing` means that it is now the caller's.

        Raises:
            BatchAtWorkError: Another attempt has a lease on it.
        """
        if self._conditionally(
            self._dynamodb.put_item,
            Item=to_item({"pk": model, "sk": f"batch#{batch.batch_id}", **batch.to_row()}),
            ConditionExpression="attribute_not_exists(pk)",
        ):
            return batch
        known = self._batch(model, batch.batch_id)
        if known is None or known.status != "processing":
            return known or self.claim(model, batch, now_s)
        taken = known.lease_until_s <= now_s and self._conditionally(
            self._dynamodb.update_item,
            Key=_key(model, f"batch#{batch.batch_id}"),
            UpdateExpression="SET lease_until_s = :mine",
            ConditionExpression="lease_until_s = :seen",
            ExpressionAttributeValues=to_item({":mine": batch.lease_until_s, ":seen": known.lease_until_s}),
        )
        if not taken:
            raise BatchAtWorkError(f"Batch {batch.batch_id} of {model} is being validated by another delivery.")
        known.lease_until_s = batch.lease_until_s
        return known

    def claim_content(self, model: str, sha256: str, batch: Batch) -> str | None:
        """Make a content this batch's own.

        Content in quarantine may be claimed anew under another version of the recipe: a corrected recipe is a reason to
        push the same file again.

        Returns:
            None when it is, or the id of the batch that has the same content.

        Raises:
            BatchAtWorkError: That batch is not done, so nobody knows yet whether its content counts.
        """
        row = {"pk": model, "sk": f"content#{sha256}", "batch_id": batch.batch_id}
        if self._conditionally(
            self._dynamodb.put_item,
            Item=to_item(row),
            ConditionExpression="attribute_not_exists(pk) OR batch_id = :mine",
            ExpressionAttributeValues=to_item({":mine": batch.batch_id}),
        ):
            return None
        owner_id = self._get(model, f"content#{sha256}")["batch_id"]
        owner = self._batch(model, owner_id)
        if owner is None or owner.status == "processing":
            raise BatchAtWorkError(f"Batch {owner_id} of {model} has the same content and is not done.")
        if owner.status == "validated" or owner.recipe_version == batch.recipe_version:
            return str(owner_id)
        if not self._conditionally(
            self._dynamodb.put_item,
            Item=to_item(row),
            ConditionExpression="batch_id = :owner",
            ExpressionAttributeValues=to_item({":owner": owner_id}),
        ):
            raise BatchAtWorkError(f"Another batch of {model} has just taken the same content.")
        return None

    def save(self, model: str, batch: Batch) -> None:
        """Write a batch that the caller holds."""
        self._dynamodb.put_item(
            TableName=self._table, Item=to_item({"pk": model, "sk": f"batch#{batch.batch_id}", **batch.to_row()})
        )

    def set_announced(self, model: str, batch_id: str) -> None:
        """Note that nothing is left to do for a batch."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(model, f"batch#{batch_id}"),
            UpdateExpression="SET announced = :yes",
            ExpressionAttributeValues=to_item({":yes": True}),
        )

    def _batch(self, model: str, batch_id: str) -> Batch | None:
        row = self._get(model, f"batch#{batch_id}")
        known = {name: row[name] for name in _ATTRIBUTES if name in row}
        return Batch(**known) if known else None

    def _get(self, model: str, sort_key: str) -> dict[str, Any]:
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(model, sort_key), ConsistentRead=True)
        return from_item(answer.get("Item", {}))

    def _conditionally(self, write: Any, **request: Any) -> bool:
        """Whether the write's condition held."""
        try:
            write(TableName=self._table, **request)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(model: str, sort_key: str) -> dict[str, Any]:
    return {"pk": to_attribute(model), "sk": to_attribute(sort_key)}


_ATTRIBUTES = [attribute.name for attribute in fields(Batch)]
