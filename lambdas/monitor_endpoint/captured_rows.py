"""Captured rows as typed columns, and the Parquet file that holds those of one capture file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from comal.conversion import booleans, categories, integers, labels, numbers
from comal.event_time import TIMESTAMP, event_times
from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature, CategoryFeature, Feature, IntegerFeature
from lambdas.monitor_endpoint.capture_line import Call

# Rows held in memory for each version; also what a reader of one window decodes too much at most.
GROUP_ROWS = 8192

_OF_CALL = pa.schema(
    [
        ("inference_id", pa.string()),
        ("event_id", pa.string()),
        ("row", pa.int32()),
        ("inference_time", TIMESTAMP),
        ("model_version", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Columns:
    """What the columns of a captured file are called: a feature keeps its name, and a column of the call gives way.

    `joins` are entity and event time, which callers may send along and labels may name.
    """

    recipe: Recipe

    def of_call(self, name: str) -> str:
        """Name of a column that the call gave: inference_id, event_id, row, inference_time, model_version and so on."""
        return f"comal_{name}" if name in self.recipe.features or name in self.joins else name

    @property
    def joins(self) -> dict[str, str]:
        """Role of each column that labels may be joined on, beside the id: entity, event_time."""
        found = {self.recipe.entity: "entity"} if self.recipe.entity else {}
        if self.recipe.event_time:
            found[self.recipe.event_time.column] = "event_time"
        return {name: role for name, role in found.items() if name not in self.recipe.features}


class CapturedRowWriter:
    """Writes one capture file's rows; each row group holds rows of one version, in the order they were answered.

    Attributes:
        rows: Rows written of each version.
        latest: Time of the newest of them.
    """

    def __init__(self, path: Path, recipe: Recipe) -> None:
        self._path = path
        self._recipe = recipe
        self._writer: pq.ParquetWriter | None = None
        self._waiting: dict[int, list[tuple[Call, int]]] = {}
        self.rows: dict[int, int] = {}
        self.latest: dict[int, datetime] = {}

    def __enter__(self) -> "CapturedRowWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        for version in sorted(self._waiting):
            self._flush(version)
        if self._writer is not None:
            self._writer.close()

    def write(self, call: Call) -> None:
        """Add the rows of a call."""
        waiting = self._waiting.setdefault(call.version, [])
        for position in range(len(call.rows)):
            waiting.append((call, position))
            if len(waiting) >= GROUP_ROWS:
                self._flush(call.version)
                waiting = self._waiting.setdefault(call.version, [])
        self.rows[call.version] = self.rows.get(call.version, 0) + len(call.rows)
        self.latest[call.version] = max(call.time, self.latest.get(call.version, call.time))

    def _flush(self, version: int) -> None:
        rows = self._waiting.pop(version)
        if not rows:
            return
        table = typed_rows(rows, self._recipe)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)


def typed_rows(rows: list[tuple[Call, int]], recipe: Recipe) -> pa.Table:
    """Rows of calls as typed columns; a value that does not fit its type is null, as a missing one is."""
    columns = Columns(recipe)
    asked = [call.rows[position] for call, position in rows]
    answered = [call.predictions[position] for call, position in rows]
    of_call = [
        [call.row_id(position) for call, position in rows],
        [call.event_id for call, _ in rows],
        [position for _, position in rows],
        [call.time for call, _ in rows],
        [call.version for call, _ in rows],
    ]
    arrays: dict[str, Any] = {
        columns.of_call(field.name): pa.array(values, field.type)
        for field, values in zip(_OF_CALL, of_call, strict=True)
    }
    for name, role in columns.joins.items():
        texts = _texts([row.get(name) for row in asked])
        arrays[name] = _event_times(texts, recipe) if role == "event_time" else categories(texts).values
    for name, feature in recipe.features.items():
        arrays[name] = typed(_texts([row.get(name) for row in asked]), feature)
    predictions = _texts([answer["prediction"] for answer in answered])
    arrays[columns.of_call("prediction")] = typed_target(predictions, recipe)
    if recipe.task == "binary":
        arrays[columns.of_call("probability")] = numbers(
            _texts([answer.get("probability") for answer in answered])
        ).values
    if recipe.task == "multiclass":
        probabilities = [_probabilities(answer.get("probabilities")) for answer in answered]
        arrays[columns.of_call("probabilities")] = pa.array(probabilities, pa.map_(pa.string(), pa.float64()))
    return pa.table(arrays)


def typed(texts: Any, feature: Feature) -> Any:
    """A feature's column in its type. A category outside the recipe's stays: that it turned up is worth seeing."""
    if isinstance(feature, CategoryFeature):
        return categories(texts, frozenset(feature.values)).values
    if isinstance(feature, BooleanFeature):
        return booleans(texts).values
    return integers(texts).values if isinstance(feature, IntegerFeature) else numbers(texts).values


def typed_target(column: Any, recipe: Recipe) -> Any:
    """Predictions or labels in the target's type: numbers, or classes as text."""
    return numbers(column).values if recipe.task == "regression" else labels(column).values


def read_slice(path: Path, recipe: Recipe, version: int, first: int, rows: int) -> Iterator[pa.Table]:
    """Some consecutive rows of one version, group by group.

    Args:
        path: A file of CapturedRowWriter.
        recipe: The recipe that it was written by, or a later one.
        version: Whose rows.
        first: Number of the first row, counted from 0 among the version's rows in this file.
        rows: How many.
    """
    column = Columns(recipe).of_call("model_version")
    with pq.ParquetFile(path, memory_map=False) as file:
        before = 0
        for index in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(index)
            if _version_of(group, column) != version:
                continue
            start, stop = max(first, before), min(first + rows, before + group.num_rows)
            if start < stop:
                yield file.read_row_group(index).slice(start - before, stop - start)
            before += group.num_rows


def _version_of(group: Any, column: str) -> int:
    """The version that all rows of a group are of."""
    leaves = [group.column(index) for index in range(group.num_columns)]
    return int(next(leaf for leaf in leaves if leaf.path_in_schema == column).statistics.min)


def profiled(rows: pa.Table, recipe: Recipe) -> pa.Table:
    """The columns that a profile looks at; the prediction stands in the target's place."""
    prediction = Columns(recipe).of_call("prediction")
    names = [name for name in recipe.features if name in rows.schema.names]
    found = rows.select([*names, prediction])
    return found.rename_columns([*names, recipe.target])


def _event_times(texts: Any, recipe: Recipe) -> Any:
    assert recipe.event_time is not None  # the column is named after it
    return event_times(texts, recipe.event_time.format).values


def _texts(values: list[Any]) -> Any:
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    """A JSON value as a CSV file would spell it; None for what is missing, or is no single value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else None


def _probabilities(answered: Any) -> list[tuple[str, float]]:
    """Probability of each class, as the answer gives them."""
    return [(label, float(value)) for label, value in answered.items()] if isinstance(answered, dict) else []
