"""Reading the kit's tables whole."""

from typing import Any

from comal.cli.target import Target
from comal.table_items import from_item, to_item


def rows_of(
    target: Target, table: str, model: str, prefix: str = "", *, newest_first: bool = False
) -> list[dict[str, Any]]:
    """All rows of a model in a table, in the order of their sort keys.

    Args:
        target: The stack.
        table: batches or retraining.
        model: Name of the model, the partition key.
        prefix: What the sort key begins with.
        newest_first: Turn the order round.
    """
    condition = "pk = :model AND begins_with(sk, :prefix)" if prefix else "pk = :model"
    values = {":model": model, ":prefix": prefix} if prefix else {":model": model}
    pages = (
        target.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=target.names.shared(table),
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
        )
    )
    return [from_item(item) for page in pages for item in page["Items"]]
