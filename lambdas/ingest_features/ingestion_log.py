"""The features table: in which order a model's batches came into its feature groups.

A number is claimed by one conditional write. All that an ingestion writes follows from the batches up to its number, so
it may be done twice, and by two at once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from comal.table_items import from_item, to_attribute, to_item


@dataclass(frozen=True)
class Ingestion:
    """One batch and its place.

    Attributes:
        number: Place in the order, from 0.
        ingested_at: When its rows became known, in microseconds since 1970, UTC; later than every earlier one's.
        first: Time of its earliest row, in microseconds.
        last: Time of its latest row.
    """

    number: int
    batch_id: str
    validated_key: str
    ingested_at: int
    rows: int
    first: int
    last: int
    done: bool = False


class IngestionLog:
    """Rows `ingestion#<number>` of a model's feature groups; the client is boto3's."""

    def __init__(self, dynamodb: Any, table: str, model: str, stores: Sequence[str]) -> None:
        """`stores` is where the offline records of each feature group lie.

        Groups that are made anew are empty and lie elsewhere: also those of a window that is again what it once was.
        """
        self._dynamodb = dynamodb
        self._table = table
        self._partition = f"{model}#{hashlib.sha256(' '.join(stores).encode()).hexdigest()[:16]}"

    def ingestions(self) -> list[Ingestion]:
        """All of them, in order."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": self._partition}),
            ConsistentRead=True,
        )
        rows = [from_item(item) for page in pages for item in page["Items"]]
        return [Ingestion(**{name: row[name] for name in row if name not in ("pk", "sk")}) for row in rows]

    def claim(self, ingestion: Ingestion) -> bool:
        """Give a batch the next place; False when another has just taken it."""
        item = {**self._key(ingestion.number), **to_item(asdict(ingestion))}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def set_done(self, ingestion: Ingestion) -> None:
        """Note that nothing is left to do for a batch."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=self._key(ingestion.number),
            UpdateExpression="SET done = :yes",
            ExpressionAttributeValues=to_item({":yes": True}),
        )

    def _key(self, number: int) -> dict[str, Any]:
        return {"pk": to_attribute(self._partition), "sk": to_attribute(f"ingestion#{number:08d}")}
