"""The contract of a recipe with the files that are pushed for it: which rows pass, typed how, and what is wrong.

A file is read once, batch by batch, in memory that does not grow with it. Order of columns does not matter; columns
that the recipe does not name pass as text.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from comal.contract_columns import ColumnCheck, column_checks
from comal.conversion import as_texts
from comal.finding import Finding, Tally
from comal.pushed_file import open_file
from comal.reading import Reading, RowBatch
from comal.recipe import Recipe


@dataclass(frozen=True)
class Verdict:
    """What a file turned out to be.

    Attributes:
        rows: Rows that could be read.
        findings: Errors first.
    """

    rows: int
    findings: list[Finding]

    @property
    def accepted(self) -> bool:
        """Whether every row may be used."""
        return not self.errors

    @property
    def errors(self) -> list[Finding]:
        """What sends the file to quarantine."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """What does not."""
        return [finding for finding in self.findings if finding.severity == "warning"]


def check_file(path: Path, recipe: Recipe, receive: Callable[[pa.RecordBatch], None]) -> Verdict:
    """Check a CSV or Parquet file.

    Args:
        path: The file.
        recipe: What its rows have to be.
        receive: Gets the typed rows of each batch, in the schema of `typed_schema`; nothing where a column is missing.
            They are right only if the verdict says so.

    Raises:
        OSError: The file cannot be opened. What it holds raises nothing.
    """
    reading = open_file(path)
    contract = _Contract(recipe, reading)
    rows = 0
    for batch in reading.batches():
        typed = contract.check(batch)
        rows += batch.rows.num_rows
        if typed is not None:
            receive(typed)
    findings = [*reading.findings, *contract.findings(rows)]
    if reading.columns and not rows and not reading.has_errors():
        findings.insert(0, Finding("no_rows", None, "error", "a header without rows", "at least one row"))
    return Verdict(rows, _placed(findings, reading))


def typed_schema(recipe: Recipe, columns: tuple[str, ...]) -> pa.Schema:
    """Columns of the typed rows: entity and event time, features, target as the recipe says; then the rest as text."""
    checks = column_checks(recipe)
    extra = [name for name in columns if name and name not in checks]
    typed = [pa.field(name, check.type) for name, check in checks.items()]
    return pa.schema([*typed, *(pa.field(name, pa.string()) for name in extra)])


class _Contract:
    """Checks batches one after the other and keeps what it saw, not the rows."""

    def __init__(self, recipe: Recipe, reading: Reading) -> None:
        self._recipe = recipe
        self._reading = reading
        self._tally = Tally()
        self._checks: dict[str, ColumnCheck] = column_checks(recipe)
        self._missing = [name for name in self._checks if name not in reading.columns]
        self._schema = typed_schema(recipe, reading.columns)
        self._dropped: set[str] = set()

    def check(self, batch: RowBatch) -> pa.RecordBatch | None:
        def row_number(position: int) -> int:
            return self._reading.row_number(batch.rows_before + position)

        arrays = []
        for column in self._schema:
            check = self._checks.get(column.name)
            if column.name in self._missing:
                continue
            came = batch.rows.column(column.name)
            arrays.append(check.check(came, self._tally, row_number) if check else self._extra(column.name, came))
        return None if self._missing else pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def findings(self, rows: int) -> list[Finding]:
        columns = self._reading.columns
        findings = [_missing_column(name, self._checks[name], columns) for name in self._missing if columns]
        for name, check in self._checks.items():
            if name not in self._missing:
                findings.extend(check.findings(self._tally, rows))
        for name in sorted(self._dropped):
            found = f"values that cannot be text ({self._reading.path.suffix or 'nested'})"
            findings.append(Finding("type", name, "warning", found, "a plain column; its values are left out"))
        return findings

    def _extra(self, name: str, came: pa.Array) -> pa.Array:
        texts = as_texts(came)
        if texts is None:
            self._dropped.add(name)
            return pa.nulls(len(came), pa.string())
        return texts


def _missing_column(name: str, check: ColumnCheck, columns: tuple[str, ...]) -> Finding:
    near = [column for column in columns if column.casefold() == name.casefold()]
    shown = ", ".join(column for column in columns[:12] if column) + (", …" if len(columns) > 12 else "")
    found = f"'{near[0]}' (another spelling)" if near else f"columns {shown}"
    return Finding("missing_column", name, "error", found, f"a column '{name}' ({check.role})")


def _placed(findings: list[Finding], reading: Reading) -> list[Finding]:
    """Errors first, each with its line."""
    wanted = {finding.first_row for finding in findings if finding.first_row is not None and finding.line is None}
    lines = reading.lines(wanted) if wanted else {}
    placed = [
        finding if finding.line is not None else replace(finding, line=lines.get(finding.first_row or 0))
        for finding in findings
    ]
    return sorted(placed, key=lambda finding: finding.severity != "error")
