"""What an operation reports: a step for each resource it touches, and a summary."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Operation = Literal["same", "create", "update", "replace", "delete", "forget"]


@dataclass(frozen=True)
class Step:
    """One resource and what is or was done to it.

    Attributes:
        changed: Names of the inputs that differ; empty for create and delete.
        duration_s: Seconds it took; None while planned (preview).
        error: Why it failed; empty when it did not.
    """

    operation: Operation
    type: str
    name: str
    changed: tuple[str, ...] = ()
    duration_s: float | None = None
    error: str = ""

    def __str__(self) -> str:
        noun = self.type.rsplit(":", 1)[-1]
        parts = [f"{self.operation:8}{noun} {self.name}"]
        if self.changed:
            parts.append(f"({', '.join(self.changed)})")
        if self.duration_s is not None:
            parts.append(f"{self.duration_s:.2f} s")
        if self.error:
            parts.append(f"failed: {self.error}")
        return " ".join(parts)


OnStep = Callable[[Step], None]


@dataclass(frozen=True)
class Summary:
    """What one operation did.

    Attributes:
        counts: Number of resources by operation.
        failures: A text for each failure; empty when all went well.
        outputs: What the stack exports; secrets are masked.
    """

    counts: dict[str, int]
    duration_s: float
    failures: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
