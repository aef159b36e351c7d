"""Converts a program's inputs to request parameters by botocore's own shapes, so that a type is a row and not code."""

import json
from typing import Any

from pulumi.runtime import rpc

from localcloud.engine.archives import Content
from localcloud.engine.errors import UnsupportedError


def to_shape(value: Any, shape: Any, where: str) -> Any:
    """A value as a botocore shape wants it.

    Members are matched without regard to case or to a plural s; a map stands for a list of keys and values where the
    shape has one (tags); a single value stands for a list of one; an object stands for JSON text where text is wanted.

    Args:
        value: Decoded input; UNKNOWN passes through.
        shape: botocore shape.
        where: Path of the input, for errors.

    Raises:
        UnsupportedError: The shape has no such member.
    """
    if value == rpc.UNKNOWN:
        return value
    match shape.type_name:
        case "structure":
            return _to_structure(value, shape, where)
        case "list":
            return _to_list(value, shape, where)
        case "map":
            return {key: to_shape(item, shape.value, f"{where}.{key}") for key, item in value.items()}
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value in (True, "true")
        case "blob":
            return value.read() if isinstance(value, Content) else value
        case _:
            return json.dumps(value) if isinstance(value, dict | list) else _to_text(value)


def _to_structure(value: Any, shape: Any, where: str) -> dict[str, Any]:
    if isinstance(value, list):
        value = value[0] if value else {}
    members = {name.lower(): name for name in shape.members}
    result = {}
    for key, item in value.items():
        lower = key.lower()
        member = members.get(lower) or members.get(lower.removesuffix("s")) or members.get(lower + "s")
        if member is None:
            raise UnsupportedError(
                f"Input {where}.{key} has no counterpart in {shape.name} ({', '.join(shape.members)}).",
                "Leave it out, or add it to localcloud/engine/types/.",
            )
        result[member] = to_shape(item, shape.members[member], f"{where}.{key}")
    return result


def _to_list(value: Any, shape: Any, where: str) -> list[Any]:
    member = shape.member
    if isinstance(value, dict) and member.type_name == "structure":
        # KMS calls them TagKey and TagValue.
        names = {name.lower().removeprefix("tag"): name for name in member.members}
        if "value" in names and ("key" in names or "name" in names):
            key_name = names.get("key") or names["name"]
            return [{key_name: key, names["value"]: _to_text(item)} for key, item in value.items()]
    items = value if isinstance(value, list) else [value]
    return [to_shape(item, member, f"{where}[{index}]") for index, item in enumerate(items)]


def _to_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_attribute(value: Any) -> str:
    """A value as SQS and SNS want their attributes: text, JSON for structures."""
    return json.dumps(value) if isinstance(value, dict | list) else _to_text(value)
