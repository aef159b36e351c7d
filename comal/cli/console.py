"""How commands write: tables and progress for people, JSON for programs, complaints on stderr."""

import json
import os
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Wide enough that a table in a file or a pipe keeps one line a row.
PIPE_WIDTH = 160


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


out = _console(stderr=False)
err = _console(stderr=True)

Stack = Annotated[str, typer.Option("-s", "--stack", help="Stack to use.", metavar="STACK")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


def examples(*lines: str) -> str:
    """Text below a command's help."""
    return "Examples:\n\n" + "\n".join(f"  {escape(line)}" for line in lines)


def say(text: str = "", style: str = "") -> None:
    """Print a line for people; its text is never read as markup."""
    out.print(escape(text), style=style)


def complain(message: str, next_step: str = "") -> None:
    """Print what went wrong, and what to do about it, on stderr."""
    err.print(f"[bold red]Error:[/] {escape(message)}")
    if next_step:
        err.print(f"[bold]Next:[/]  {escape(next_step)}")


def warn(text: str) -> None:
    """Print a warning on stderr."""
    err.print(f"[yellow]Warning:[/] {escape(text)}")


def print_json(value: Any) -> None:
    """Print a value for programs: one JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "", header: bool = True) -> None:
    """Print rows for people. None shows as –."""
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.show_header = header
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("–" if cell is None else escape(str(cell)) for cell in row))
    out.print(table)
