"""DynamoDB items as plain Python values."""

from decimal import Decimal
from typing import Any

from comal.cli.target import Target


def plain_items(target: Target, **query: Any) -> list[dict[str, Any]]:
    """All items that a query finds; numbers come as int or float."""
    pages = target.client("dynamodb").get_paginator("query").paginate(**query, ConsistentRead=True)
    return [plain_item(item) for page in pages for item in page["Items"]]


def plain_item(item: dict[str, Any]) -> dict[str, Any]:
    """One item, its attribute types unwrapped."""
    return {name: _plain(value) for name, value in item.items()}


def _plain(attribute: dict[str, Any]) -> Any:
    kind, value = next(iter(attribute.items()))
    match kind:
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else float(number)
        case "NULL":
            return None
        case "L":
            return [_plain(element) for element in value]
        case "M":
            return plain_item(value)
        case "NS":
            return [_plain({"N": element}) for element in value]
        case _:
            return value
