"""Keeps a document to its shape: protocols with a schema cannot write a member that is not in it."""

from typing import Any


def fit(shape: Any, value: Any) -> Any:
    """The value without members that its shape does not have, and without nulls.

    Args:
        shape: Of botocore.
        value: As a service answers it.
    """
    if shape.type_name == "structure":
        return {
            name: fit(shape.members[name], item)
            for name, item in value.items()
            if item is not None and name in shape.members
        }
    if shape.type_name == "list":
        return [fit(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: fit(shape.value, item) for key, item in value.items()}
    return value
