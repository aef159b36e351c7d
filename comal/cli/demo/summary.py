"""What the demo showed, in one table, and what to type next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comal.cli.console import print_table, say
from comal.cli.models import metrics_text


@dataclass(frozen=True)
class Outcome:
    """A step that held: its name, how long it took, and what it showed."""

    name: str
    duration_s: float
    detail: str


def print_summary(outcomes: Sequence[Outcome], versions: Sequence[dict[str, Any]], model: str) -> None:
    """Print steps with seconds, versions with metrics, and the next commands."""
    total_s = sum(outcome.duration_s for outcome in outcomes)
    rows = [(outcome.name, f"{outcome.duration_s:.1f}", outcome.detail) for outcome in outcomes]
    say()
    print_table(("step", "seconds", "what it showed"), [*rows, ("all", f"{total_s:.1f}", "every step held")])
    say()
    print_table(
        ("version", "approval", "trained rows", "metrics on the held-out rows"),
        [(row["version"], row["approval"], row["trained_rows"], metrics_text(row["metrics"])) for row in versions],
    )
    say()
    say("Next commands:", style="bold")
    for command in (
        f"comal status {model}",
        f"comal models {model}",
        f"comal logs job {model}",
        "comal init YOUR.csv --target COLUMN && comal up",
        "comal destroy",
    ):
        say(f"  {command}")
