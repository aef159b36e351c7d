"""A file of late labels: checked, and brought into the form that captured predictions are joined with.

Columns: `inference_id` (or the recipe's entity and event time), `label`, `observed_at`. A file is taken whole or not at
all, as a pushed file is.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comal.conversion import Converted, categories, labels, numbers
from comal.event_time import TIMESTAMP, event_times
from comal.finding import Finding, Tally
from comal.pushed_file import open_file
from comal.reading import Reading, RowBatch
from comal.recipe import Recipe

# A label is a line of some 60 bytes; the function's disk holds the file and its typed copy.
MAX_BYTES = 256 << 20

ID, LABEL, OBSERVED_AT = "inference_id", "label", "observed_at"


@dataclass
class LabelVerdict:
    """What a file of labels turned out to be; `problems` is empty for a good one, a sentence each otherwise."""

    rows: int = 0
    problems: list[str] = field(default_factory=list)


def label_type(recipe: Recipe) -> pa.DataType:
    """Arrow type of labels, which is that of predictions."""
    return pa.float64() if recipe.task == "regression" else pa.string()


def type_labels(path: Path, typed_path: Path, recipe: Recipe) -> LabelVerdict:
    """Check a file and write its typed rows: join_key, label, observed_at.

    Args:
        path: CSV or Parquet, as it came.
        typed_path: Parquet file to write; right only if there are no problems.
        recipe: Says what is predicted, and which columns are entity and event time.
    """
    reading = open_file(path)
    join_columns = _join_columns(reading, recipe)
    needed = [*(join_columns or [ID]), LABEL, OBSERVED_AT]
    missing = [name for name in needed if name not in reading.columns]
    if missing or reading.has_errors():
        return LabelVerdict(problems=_problems(reading, missing, recipe))
    tally = Tally()
    rows = 0
    schema = pa.schema([("join_key", pa.string()), (LABEL, label_type(recipe)), (OBSERVED_AT, TIMESTAMP)])
    with pq.ParquetWriter(typed_path, schema, compression="zstd") as writer:
        for batch in reading.batches():
            converted = _converted(batch, recipe, join_columns)
            for name, column in converted.items():
                _count(name, column, batch, tally, reading)
            arrays = [_join_keys(converted, join_columns), converted[LABEL].values, converted[OBSERVED_AT].values]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            rows += batch.rows.num_rows
    expected = {
        LABEL: "a number" if recipe.task == "regression" else "a class",
        OBSERVED_AT: "a time in ISO 8601, such as 2026-03-02T08:00:00Z",
    }
    found = [
        tally.finding("value", name, "error", "a value that is missing or does not fit", expected.get(name, "a value"))
        for name in needed
        if tally.rows("value", name)
    ]
    if not rows and not reading.has_errors():
        found.append(Finding("no_rows", None, "error", "a header without rows", "at least one row"))
    return LabelVerdict(rows, [finding.sentence for finding in [*_errors(reading), *found]])


def join_keys_of_ids(ids: Any) -> Any:
    """Join keys of inference ids."""
    return pc.binary_join_element_wise("id", ids, " ")


def join_keys_of_times(entities: Any, times: Any) -> Any:
    """Join keys of entities and event times; null where either is missing."""
    return pc.binary_join_element_wise("at", pc.cast(pc.cast(times, pa.int64()), pa.string()), entities, " ")


def _join_columns(reading: Reading, recipe: Recipe) -> list[str]:
    """Entity and event time where the file has no inference ids and the recipe names both; else none."""
    if ID in reading.columns or not recipe.entity or not recipe.event_time:
        return []
    return [recipe.entity, recipe.event_time.column]


def _converted(batch: RowBatch, recipe: Recipe, join_columns: list[str]) -> dict[str, Converted]:
    columns = batch.rows
    as_label = numbers if recipe.task == "regression" else labels
    found = {LABEL: as_label(columns.column(LABEL)), OBSERVED_AT: event_times(columns.column(OBSERVED_AT), "iso")}
    if not join_columns:
        return {ID: categories(columns.column(ID)), **found}
    entity, event_time = join_columns
    assert recipe.event_time is not None  # one of the columns is named after it
    times = event_times(columns.column(event_time), recipe.event_time.format)
    return {entity: categories(columns.column(entity)), event_time: times, **found}


def _join_keys(converted: dict[str, Converted], join_columns: list[str]) -> Any:
    if not join_columns:
        return join_keys_of_ids(converted[ID].values)
    entity, event_time = join_columns
    return join_keys_of_times(converted[entity].values, converted[event_time].values)


def _count(name: str, column: Converted, batch: RowBatch, tally: Tally, reading: Reading) -> None:
    def row_number(position: int) -> int:
        return reading.row_number(batch.rows_before + position)

    unfit = column.values.is_null().to_numpy(zero_copy_only=False)
    tally.add("value", name, unfit, row_number, batch.rows.column(name))


def _errors(reading: Reading) -> list[Finding]:
    return [finding for finding in reading.findings if finding.severity == "error"]


def _problems(reading: Reading, missing: list[str], recipe: Recipe) -> list[str]:
    problems = [finding.sentence for finding in _errors(reading)]
    if missing and not problems:
        by_time = f" (or {recipe.entity} and {recipe.event_time.column})" if recipe.entity and recipe.event_time else ""
        shown = ", ".join(reading.columns[:12])
        problems.append(f"found columns {shown}, expected {ID}{by_time}, {LABEL} and {OBSERVED_AT}")
    return problems
