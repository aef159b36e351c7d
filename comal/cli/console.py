"""How commands write: tables and progress for people, JSON for programs, complaints on stderr."""

import json
import os
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Wide enough that a table in a file or a pipe keeps one line a row.
PIPE_WIDTH = 160
# Spaces between two columns.
_BETWEEN = 2
# A row that would fill more lines is long text in a narrow column.
_LINES_OF_A_ROW = 3


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
    """Print rows for people; one after the other where the terminal is too narrow for a table. None shows as –."""
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    filled = [[name, *column] for name, *column in zip(columns, *cells, strict=True)]
    widths = [max(len(word) for cell in column for word in (cell.split() or [""])) for column in filled]
    between = _BETWEEN * (len(columns) - 1)
    fits = sum(widths) + between <= out.width
    whole = sum(max(map(len, column)) for column in filled) + between
    if not header or (fits and whole <= _LINES_OF_A_ROW * out.width):
        _print_grid(columns if header else [], cells, widths if fits else [], title)
        return
    for row in cells:
        _print_grid([], list(zip(columns, row, strict=True)), [], title)
        out.print()
        title = ""


def _print_grid(header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], title: str) -> None:
    """A table whose columns are at least so wide."""
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.show_header = bool(header)
    for name, width in zip_longest(header or [""] * len(rows[0] if rows else []), widths):
        table.add_column(name, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)
