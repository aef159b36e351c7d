"""DynamoDB items as plain Python values, and back.

Only what the kit's tables hold: text, whole numbers, truth values, None, lists and maps.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from typing import Any


def to_item(values: dict[str, Any]) -> dict[str, Any]:
    """An item; each value wrapped in its attribute type."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_item(item: dict[str, Any]) -> dict[str, Any]:
    """The values of an item."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_attribute(value: Any) -> dict[str, Any]:
    """One wrapped value.

    Raises:
        TypeError: The kit's tables hold no such type.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [to_attribute(element) for element in value]}
        case dict():
            return {"M": to_item(value)}
    raise TypeError(f"No table of the kit holds a {type(value).__name__}.")


def from_attribute(attribute: dict[str, Any]) -> Any:
    """One unwrapped value."""
    kind, value = next(iter(attribute.items()))
    match kind:
        case "NULL":
            return None
        case "N":
            return int(value)
        case "L":
            return [from_attribute(element) for element in value]
        case "M":
            return from_item(value)
    return value
