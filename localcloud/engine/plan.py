"""What has to happen to one resource: compares what the program wants with what the state says."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from localcloud.engine import invocation
from localcloud.engine.errors import EngineError, UnsupportedError
from localcloud.engine.resource_type import ResourceType
from localcloud.engine.state import Record
from localcloud.engine.types import TYPES
from localcloud.engine.values import freeze


@dataclass(frozen=True)
class Plan:
    """One resource's next operation.

    Attributes:
        inputs: Decoded inputs as they shall be, name included.
        changed: Names of the inputs that differ, or that a killed operation may have changed.
        delete_first: Whether a replacement deletes before it creates.
    """

    operation: Literal["same", "create", "update", "replace"]
    inputs: dict[str, Any]
    changed: frozenset[str] = frozenset()
    delete_first: bool = False


@dataclass(frozen=True)
class Wishes:
    """What the program says of a resource beside its inputs."""

    ignore_changes: Sequence[str] = ()
    replace_on_changes: Sequence[str] = ()
    delete_before_replace: bool = False


def plan(
    name: str, type_: str, inputs: Mapping[str, Any], old: Record | None, begun: Record | None, wishes: Wishes
) -> Plan:
    """Decide what happens to a resource.

    Args:
        name: The resource's name in the program.
        type_: Its type token.
        inputs: Decoded inputs.
        old: What exists.
        begun: What an earlier operation began and did not finish.
        wishes: Resource options.
    """
    row = _row(type_)
    wanted = dict(inputs)
    if old:
        for path in wishes.ignore_changes:
            _keep(wanted, old.inputs, _top(path))
    made_up = bool(row.name) and row.name not in wanted
    if made_up:
        known = old or begun
        wanted[row.name] = (known.inputs.get(row.name) if known else None) or unique_name(name)
    if old is None:
        return Plan("create", wanted)
    changed = _changed(freeze(wanted), old.inputs)
    if begun and begun.operation == "update":
        changed |= _changed(begun.inputs, old.inputs)
    if not changed:
        return Plan("same", wanted)
    if _needs_replacement(row, changed, {_top(path) for path in wishes.replace_on_changes}):
        if old.protect:
            raise EngineError(
                f"A change of {', '.join(sorted(changed))} replaces it, and it is protected.",
                "Take `protect` off and run `up` first, or leave the change out.",
            )
        if made_up:
            wanted[row.name] = unique_name(name)
        delete_first = wishes.delete_before_replace or not _can_coexist(row, made_up, changed)
        return Plan("replace", wanted, frozenset(changed), delete_first)
    _refuse_unchangeable(row, wanted, changed)
    return Plan("update", wanted, frozenset(changed))


def replaces(type_: str, changed: set[str]) -> bool:
    """Whether a change of these inputs means a new resource."""
    row = _row(type_)
    return row.always_replace or bool(changed & _identity(row))


def is_same(type_: str, wanted: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether inputs mean the very resource that was begun or replaced with other inputs.

    Args:
        type_: Type token.
        wanted: Frozen inputs; a name that is made up may be missing.
        known: Frozen inputs of the other one.
    """
    row = _row(type_)
    decisive = {*wanted, *known} - _changeable(row) if row.always_replace else _identity(row)
    return all(wanted.get(key) == known.get(key) for key in decisive if key != row.name or key in wanted)


def unique_name(name: str) -> str:
    """A name with a random end, as the provider makes them up."""
    return f"{name}-{secrets.token_hex(4)[:7]}"


def _row(type_: str) -> ResourceType:
    if type_ == invocation.TYPE:
        return _INVOCATION
    return TYPES[type_]


_INVOCATION = ResourceType(
    service=invocation.SERVICE,
    create="invoke",
    delete="",
    id="",
    key={},
    put=True,  # Called anew.
    replace=("functionName", "qualifier", "lifecycleScope", "triggers", "terraformKey"),
)


def _needs_replacement(row: ResourceType, changed: set[str], asked: set[str]) -> bool:
    return bool((row.always_replace and changed - _changeable(row)) or changed & _identity(row) or changed & asked)


def _changeable(row: ResourceType) -> set[str]:
    """Inputs that even a resource that is always replaced may change."""
    return {*row.local, *(("tags",) if row.tagging else ())}


def _identity(row: ResourceType) -> set[str]:
    """Inputs that a resource keeps for life."""
    return {*row.replace, *((row.name,) if row.name else ()), "region"}


def _refuse_unchangeable(row: ResourceType, wanted: Mapping[str, Any], changed: set[str]) -> None:
    """A change that no call carries, or that the row knows no default for, must not pass for one that was made."""
    settable = {*row.local, *row.setters, *row.attributes, *(key for keys in row.updates.values() for key in keys)}
    settable |= {"tags"} if row.tagging else set()
    fixed = set() if row.put else changed - settable
    without_default = settable - {*row.local, *row.setters, *row.defaults}
    stuck = set() if row.put else {key for key in changed & without_default if key not in wanted}
    if fixed | stuck:
        raise UnsupportedError(
            f"The local engine cannot {'change' if fixed else 'take away'} {', '.join(sorted(fixed or stuck))} of what"
            " exists.",
            "Add it to localcloud/engine/types/, or give the resource another name.",
        )


def _can_coexist(row: ResourceType, made_up: bool, changed: set[str]) -> bool:
    """Whether old and new may exist at the same time: by another name, or by an id that AWS makes up."""
    if row.name:
        return made_up or row.name in changed
    return row.find is not None


def _changed(new: Mapping[str, Any], old: Mapping[str, Any]) -> set[str]:
    return {key for key in {*new, *old} if new.get(key) != old.get(key)}


def _keep(wanted: dict[str, Any], old: Mapping[str, Any], key: str) -> None:
    if key in old:
        wanted[key] = old[key]
    else:
        wanted.pop(key, None)


def _top(path: str) -> str:
    return path.split(".")[0].split("[")[0]
