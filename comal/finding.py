"""What validation found wrong with a file, and the running count from which it is made."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["error", "warning"]
Mask = NDArray[np.bool_]

_MAX_EXAMPLE = 80


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a file. An error sends the file to quarantine, a warning does not.

    Attributes:
        check: What was looked at: missing_column, type, range, missing, category, …
        column: The column, or None for the file as a whole.
        found: What was found, in words.
        expected: What was expected, in words.
        rows: Number of rows that have the problem; 0 when it is none of single rows.
        first_row: First of them, counted from 1 below the header.
        line: Line of the file on which that row begins (1 is the header's), where it is known.
        example: Its value, shortened.
    """

    check: str
    column: str | None
    severity: Severity
    found: str
    expected: str
    rows: int = 0
    first_row: int | None = None
    line: int | None = None
    example: str | None = None

    @property
    def sentence(self) -> str:
        """The finding in one line; a file's names of columns may hold any character."""
        subject = f"column '{self.column}': " if self.column is not None else ""
        text = f"{subject}found {self.found}, expected {self.expected}{self._where()}"
        return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)

    def _where(self) -> str:
        parts = []
        if self.rows:
            parts.append(f"{self.rows} row{'s' if self.rows > 1 else ''}")
        if self.first_row is not None:
            parts.append(f"{'first ' if self.rows > 1 else ''}row {self.first_row}")
        if self.line is not None:
            parts.append(f"line {self.line}")
        place = ", ".join(parts)
        example = f": {self.example}" if self.example is not None else ""
        return f" ({place}{example})" if place else ""

    def to_dict(self) -> dict[str, Any]:
        """Its fields and its sentence, for the JSON report."""
        return {**asdict(self), "sentence": self.sentence}


def shown(value: Any) -> str:
    """A value of the user's data as an example: quoted, without control characters, short."""
    text = repr(value if isinstance(value, str) else str(value))
    return text if len(text) <= _MAX_EXAMPLE else f"{text[:_MAX_EXAMPLE]}…"


class Tally:
    """Counts the rows of each (check, column) over all batches; holds one example of each."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], int] = {}
        self._first: dict[tuple[str, str], tuple[int, str]] = {}

    def add(self, check: str, column: str, mask: Mask, row_number: Callable[[int], int], values: Any) -> None:
        """Count the rows of a mask.

        Args:
            check: Name of the check.
            column: Name of the column.
            mask: Rows of this batch that have the problem; shape (rows,).
            row_number: Number in the file of a row of this batch.
            values: The column as it came, for an example.
        """
        rows = int(mask.sum())
        if not rows:
            return
        key = (check, column)
        self._rows[key] = self._rows.get(key, 0) + rows
        if key not in self._first:
            position = int(mask.argmax())
            self._first[key] = (row_number(position), shown(values[position].as_py()))

    def rows(self, check: str, column: str) -> int:
        """Rows counted so far."""
        return self._rows.get((check, column), 0)

    def finding(self, check: str, column: str, severity: Severity, found: str, expected: str) -> Finding:
        """The finding of a (check, column) that has rows."""
        first_row, example = self._first[(check, column)]
        return Finding(
            check=check,
            column=column,
            severity=severity,
            found=found,
            expected=expected,
            rows=self._rows[(check, column)],
            first_row=first_row,
            example=example,
        )
