"""The server's half of request validation: null, enum, pattern, length and range, in AWS's wording."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from localcloud.aws.api_errors import ApiError, ValidationError

_NUMBERS = ("integer", "long", "float", "double")
# Java's property classes, which AWS's patterns use and Python's `re` lacks: the nearest it has inside a class.
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{P}": r"!-#%-*,-/:;?@\[-\]_{}\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf\u2010-\u205e\u3001-\u3003",
    r"\p{S}": r"$+<->^`|~\u00a2-\u00a9\u00ac\u00ae-\u00b1\u00b4\u20a0-\u2bff",
    r"\p{M}": r"\u0300-\u036f",
    r"\P{M}": r"\s\S",
    r"\p{Alnum}": "a-zA-Z0-9",
    # Application Auto Scaling writes it outside of a class.
    r"\p{Print}": r"[\x20-\x7e]",
    # A range of surrogate pairs: everything beyond the basic plane.
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
}
_REPEATED_END = re.compile(r"\$\{\d+,\d+\}$")


def validate(shape: Any, request: dict[str, Any]) -> None:
    """Checks a request against its shape.

    Raises:
        ValidationError: One message that lists every violation, as AWS's front end writes it.
        ApiError: A value has the wrong JSON type (`SerializationException`).
    """
    problems = list(_structure_problems(shape, request, "")) if shape is not None else []
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise ValidationError(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure_problems(shape, value, path)
    elif shape.type_name == "list":
        yield from _list_problems(shape, value, path)
    elif shape.type_name == "map":
        yield from _map_problems(shape, value, path)
    elif shape.type_name == "string":
        yield from _string_problems(shape, value, path)
    elif shape.type_name in _NUMBERS:
        yield from _number_problems(shape, value, path)


def _structure_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "Start of structure or map found where not expected.")
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield _problem(None, prefix + _lower_first(name), "not be null")
    for name, item in value.items():
        if item is not None and name in shape.members:
            yield from _problems(shape.members[name], item, prefix + _lower_first(name))


def _list_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        raise ApiError("SerializationException", f"Expected list or null at '{path}'")
    yield from _length_problems(shape, value, path)
    for position, item in enumerate(value, 1):
        yield from _problems(shape.member, item, f"{path}.{position}.member")


def _map_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "Start of structure or map found where not expected.")
    yield from _length_problems(shape, value, path)
    for key, item in value.items():
        yield from _problems(shape.key, key, path)
        yield from _problems(shape.value, item, f"{path}.{key}.member")


def _string_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        raise ApiError("SerializationException", f"{type(value).__name__} can not be converted to an String")
    if shape.enum:
        if value not in shape.enum:
            yield _problem(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
        return
    yield from _length_problems(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _matcher(pattern).fullmatch(value):
        yield _problem(value, path, f"satisfy regular expression pattern: {pattern}")


def _number_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError("SerializationException", f"{type(value).__name__} can not be converted to a number at '{path}'")
    if value > shape.metadata.get("max", value):
        yield _problem(value, path, f"have value less than or equal to {shape.metadata['max']}")
    if value < shape.metadata.get("min", value):
        yield _problem(value, path, f"have value greater than or equal to {shape.metadata['min']}")


def _length_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if len(value) > shape.metadata.get("max", len(value)):
        yield _problem(value, path, f"have length less than or equal to {shape.metadata['max']}")
    if len(value) < shape.metadata.get("min", 0):
        yield _problem(value, path, f"have length greater than or equal to {shape.metadata['min']}")


def _problem(value: Any, path: str, constraint: str) -> str:
    found = "null" if value is None else f"'{value}'"
    return f"Value {found} at '{path}' failed to satisfy constraint: Member must {constraint}"


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    # CustomerMetadataKey ends in `${1,128}`: a repeated end of text, which Python refuses and fullmatch implies.
    return re.compile(_REPEATED_END.sub("", pattern), re.DOTALL)
