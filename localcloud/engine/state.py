"""The state file of one stack: what exists, what was begun, what is left to delete. Written before and after each call.

A kill between the two leaves an intent; the next operation finds it and carries it to its end.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localcloud.engine.errors import EngineError, StateLockedError

VERSION = 1


@dataclass
class Record:
    """A resource that exists, or an intent to make, change or delete one.

    Attributes:
        inputs: As `values.freeze` leaves them.
        dependencies: URNs of what must exist before it and be deleted after it.
        property_dependencies: The same, by input.
        operation: What was begun; empty for what exists.
    """

    urn: str
    type: str
    custom: bool
    parent: str = ""
    provider: str = ""
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    retain: bool = False
    operation: str = ""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def is_managed(self) -> bool:
        """Whether there is something in AWS behind it."""
        return self.custom and not self.type.startswith("pulumi:")

    def depend_on(self, former: str, urn: str) -> None:
        """Follow a dependency that has got another URN."""
        self.dependencies = sorted({urn if found == former else found for found in self.dependencies})
        self.property_dependencies = {
            key: sorted({urn if found == former else found for found in urns})
            for key, urns in self.property_dependencies.items()
        }


@dataclass
class State:
    """Everything known of one stack.

    Attributes:
        resources: What exists, by URN.
        pending: What was begun and not noted as done, by URN.
        replaced: What has been replaced and still exists.
    """

    resources: dict[str, Record] = field(default_factory=dict)
    pending: dict[str, Record] = field(default_factory=dict)
    replaced: list[Record] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)


class StateFile:
    """One stack's state on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from working on the same stack.

        Raises:
            StateLockedError: One does.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StateLockedError(
                    f"Another operation works on {self._path}.", "Wait until it has ended, then try again."
                ) from None
            yield

    def load(self) -> State:
        """The state, empty before the first operation.

        Raises:
            EngineError: The file is not one of ours.
        """
        try:
            document = json.loads(self._path.read_text())
        except FileNotFoundError:
            return State()
        except ValueError as error:
            raise EngineError(f"{self._path} is damaged: {error}.", "Restore it from a backup.") from None
        if document.get("version") != VERSION:
            raise EngineError(
                f"{self._path} has version {document.get('version')}, expected {VERSION}.",
                "Destroy the stack with the comal that made it.",
            )
        return State(
            {urn: Record(**record) for urn, record in document["resources"].items()},
            {urn: Record(**record) for urn, record in document["pending"].items()},
            [Record(**record) for record in document["replaced"]],
            document["outputs"],
        )

    def save(self, state: State) -> None:
        """Replace the file; after a kill it holds the old or the new state, never half of one."""
        fresh = self._path.with_suffix(".fresh")
        descriptor = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"version": VERSION, **asdict(state)}, file, default=str)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
