"""How every benchmark prints what it measured: a table, or with --json one document."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Measurement:
    """One contender on one path; a value of None means that the contender is not there."""

    path: str
    contender: str
    role: Literal["peer", "ours", "limit"]
    value: float | None
    unit: str
    cpu_s: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True)
class Goal:
    """What was wanted and what was got; `met` is None where a contender is not there."""

    goal: str
    wanted: str
    got: str
    met: bool | None


def report(measurements: list[Measurement], goals: list[Goal], *, as_json: bool) -> None:
    """Print it all."""
    if as_json:
        document = {"measurements": [asdict(one) for one in measurements], "goals": [asdict(one) for one in goals]}
        print(json.dumps(document, indent=2))
        return
    console = Console()
    console.print(_table(measurements, Measurement))
    console.print(_table(goals, Goal))


def _table(rows: list[Any], kind: type) -> Table:
    table = Table(*(field.name for field in fields(kind)))
    for row in rows:
        table.add_row(*(_cell(value) for value in asdict(row).values()))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
