"""The part of JSONPath that transform jobs filter their records with.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html#data-processing-operators
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError

_STEP = re.compile(r"\.?\[(?P<brackets>[^\]]*)\]|\.(?P<name>\*|[^.\[\]*']+)")
_NAMES = re.compile(r"'[^']*'(\s*,\s*'[^']*')*")
_POSITION = re.compile(r"(?P<index>-?\d+)|(?P<first>\d*):(?P<last>\d*)")
_WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class _Names:
    names: tuple[str, ...]

    @property
    def is_single(self) -> bool:
        return len(self.names) == 1


@dataclass(frozen=True, slots=True)
class _Positions:
    """Indexes and slices, in their order; a slice has both ends or None, and includes its last."""

    positions: tuple[int | tuple[int, int | None], ...]

    @property
    def is_single(self) -> bool:
        return len(self.positions) == 1 and isinstance(self.positions[0], int)


@dataclass(frozen=True, slots=True)
class _Everything:
    is_single = False


_Step = _Names | _Positions | _Everything


class JsonPath:
    """One expression, such as `$`, `$.features`, `$[0,5:]` or `$['id','SageMakerOutput']`.

    Raises:
        ValidationError: It is none of the supported ones.
    """

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._steps = list(_steps(expression))
        if any(not step.is_single for step in self._steps[:-1]):
            raise _unsupported(expression)

    @property
    def is_root(self) -> bool:
        """Whether it chooses everything."""
        return not self._steps

    @property
    def suits_rows(self) -> bool:
        """Whether it chooses from the columns of a row, by position."""
        return all(isinstance(step, _Positions) for step in self._steps) and len(self._steps) <= 1

    def of(self, value: Any) -> Any:
        """The chosen part: several names give an object, several positions and the wildcard an array.

        Raises:
            ContainerFailure: The value has no such part.
        """
        for step in self._steps:
            try:
                value = _chosen(value, step)
            except (LookupError, TypeError) as error:
                raise ContainerFailure(
                    f"ClientError: the filter {self._expression} chooses what a record does not have: "
                    f"{str(value)[:120]}"
                ) from error
        return value


def _steps(expression: str) -> Iterator[_Step]:
    if not expression.startswith("$"):
        raise _unsupported(expression)
    position = 1
    while position < len(expression):
        found = _STEP.match(expression, position)
        if found is None:
            raise _unsupported(expression)
        yield _step(found, expression)
        position = found.end()


def _step(found: "re.Match[str]", expression: str) -> _Step:
    name, brackets = found["name"], (found["brackets"] or "").strip()
    if _WILDCARD in (name, brackets):
        return _Everything()
    if name is not None:
        return _Names((name,))
    if _NAMES.fullmatch(brackets):
        return _Names(tuple(re.findall(r"'([^']*)'", brackets)))
    return _Positions(tuple(_position(part.strip(), expression) for part in brackets.split(",")))


def _position(text: str, expression: str) -> int | tuple[int, int | None]:
    found = _POSITION.fullmatch(text)
    if found is None:
        raise _unsupported(expression)
    if found["index"] is not None:
        return int(found["index"])
    return (int(found["first"] or 0), int(found["last"]) if found["last"] else None)


def _chosen(value: Any, step: _Step) -> Any:
    match step:
        case _Everything():
            return list(value.values()) if isinstance(value, dict) else list(_array(value))
        case _Names(names=(name,)):
            return _object(value)[name]
        case _Names(names=names):
            return {name: _object(value)[name] for name in names}
        case _Positions(positions=(int() as index,)):
            return _array(value)[index]
        case _Positions(positions=positions):
            return [item for position in positions for item in _items(_array(value), position)]


def _items(array: list[Any], position: int | tuple[int, int | None]) -> list[Any]:
    if isinstance(position, int):
        return [array[position]]
    first, last = position
    if first >= len(array) or (last is not None and last >= len(array)):
        raise IndexError(position)
    # AWS's page: "`$[1:4]` specifies the second through fifth columns".
    return array[first : None if last is None else last + 1]


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _unsupported(expression: str) -> ValidationError:
    return ValidationError(
        f"The JSONPath {expression!r} is not supported; use $, .name, *, ['name','name'], [index,index] or [from:to], "
        "with several only at its end."
    )
