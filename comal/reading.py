"""What every way of reading a pushed file has in common: record batches, row numbers and findings."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from comal.finding import Finding

# Every column costs memory for each batch; beyond this the header is more likely a row of data.
MAX_COLUMNS = 10_000


@dataclass(frozen=True)
class RowBatch:
    """Some consecutive rows.

    Attributes:
        rows: The columns, under their names without surrounding spaces.
        rows_before: Readable rows in the batches before this one.
    """

    rows: pa.RecordBatch
    rows_before: int


class Reading:
    """One file being read. Iterate over `batches()`, then look at `findings`.

    Attributes:
        path: The file.
        columns: Names of the columns; empty when the file has no readable header.
        findings: What was found so far; any error means that the rows are not all there.
        skipped_rows: Numbers of the rows that could not be read, ascending.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: tuple[str, ...] = ()
        self.findings: list[Finding] = []
        self.skipped_rows: list[int] = []

    def batches(self) -> Iterator[RowBatch]:
        """The rows, in order; ends early where the file cannot be read any further."""
        raise NotImplementedError

    def lines(self, row_numbers: set[int]) -> dict[int, int]:  # noqa: ARG002 a file without lines has none to tell
        """Lines on which rows begin, where they can be told."""
        return {}

    def row_number(self, readable_row: int) -> int:
        """Number in the file (from 1) of the n-th readable row (from 0): skipped rows count."""
        number = readable_row + 1
        for skipped in self.skipped_rows:
            if skipped > number:
                break
            number += 1
        return number

    def fail(self, check: str, found: str, expected: str, **where: Any) -> None:
        """Note an error of the file as a whole; `where` are fields of Finding."""
        self.findings.append(Finding(check, None, "error", found, expected, **where))

    def has_errors(self) -> bool:
        """Whether anything found so far sends the file to quarantine."""
        return any(finding.severity == "error" for finding in self.findings)

    def accept_columns(self, names: list[str]) -> None:
        """Take over the names of a header; none where they cannot be told apart."""
        if len(names) > MAX_COLUMNS:
            self.fail("header", f"{len(names)} columns", f"at most {MAX_COLUMNS}")
            return
        repeated = sorted(name for name, times in Counter(names).items() if name and times > 1)
        if repeated:
            quoted = ", ".join(f"'{name}'" for name in repeated[:5])
            self.fail("duplicate_column", f"{quoted} more than once in the header", "every column once")
            return
        unnamed = names.count("")
        if unnamed:
            found = f"{unnamed} column{'s' if unnamed > 1 else ''} without a name"
            expected = "a name for every column; the data without a name is left out"
            self.findings.append(Finding("header", None, "warning", found, expected))
        self.columns = tuple(names)
