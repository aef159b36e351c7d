"""Rows of a file with the features of their entities: what `comal features` does with tables."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from comal.cli.feature_groups import OpenGroup
from comal.cli.online_features import entity_texts
from comal.contract_columns import column_checks
from comal.errors import DataError, UserError
from comal.event_time import event_times
from comal.feature_group import EVENT_TIME, KNOWN_AT
from comal.point_in_time import point_in_time
from comal.recipe import Recipe

# What a float would change: +41 79, 007, and whole numbers of more digits than it holds for certain.
_CODE = r"^(\+|-?0[0-9]|-?[0-9]{16})"


def read_rows(file: Path, recipe: Recipe, groups: list[OpenGroup]) -> pa.Table:
    """Rows to add features to.

    Raises:
        UserError: The file cannot be opened.
        DataError: It is no table, or not one to which the groups' features can be added.
    """
    assert recipe.event_time is not None  # the recipe has feature groups
    needed = [recipe.event_time.column, *(one.group.entity for one in groups)]
    try:
        file.stat()  # says what is amiss; Arrow's error for Parquet does not
        is_parquet = file.suffix.lower() == ".parquet"
        table = pq.read_table(file) if is_parquet else _read_csv(file, needed)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}.", next_step="Check the path.") from error
    except pa.ArrowException as error:
        raise DataError(
            f"{file} cannot be read: {error}.", next_step="Give a CSV file with a header, or Parquet."
        ) from error
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise DataError(f"{file} has the column {', '.join(twice)} twice.", next_step="Rename one, or leave it out.")
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise DataError(
            f"{file} has no column {', '.join(missing)}; it has {', '.join(table.column_names)}.",
            next_step="Give whom each row is about, and when.",
        )
    taken = [name for one in groups for name in one.group.windows if name in table.column_names]
    if taken:
        raise DataError(f"{file} has {', '.join(taken)} already.", next_step="Leave the features out of the file.")
    return table


def _read_csv(file: Path, needed: list[str]) -> pa.Table:
    """Texts as they are written; what the needed ones are the recipe says, the others may be numbers."""
    with pa_csv.open_csv(file) as begun:
        names = begun.schema.names
    as_texts = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    table = pa_csv.read_csv(file, convert_options=as_texts)
    columns = [
        column if name in needed else _typed(column)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _typed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """As numbers, where no text loses by it: 7 and 2.50, and neither 01234 nor a date."""
    with suppress(pa.ArrowInvalid):
        whole = texts.cast(pa.int64())
        if whole.cast(pa.string()).equals(texts):
            return whole
    with suppress(pa.ArrowInvalid):
        if not pc.any(pc.match_substring_regex(texts, _CODE)).as_py():
            return texts.cast(pa.float64())
    return texts


def _moments(file: Path, table: pa.Table, recipe: Recipe) -> pa.Array:
    assert recipe.event_time is not None  # the recipe has feature groups
    name = recipe.event_time.column
    column = table.column(name)
    read = event_times(column.combine_chunks(), recipe.event_time.format)
    moments = read.values
    if moments.null_count:
        row = pc.index(pc.is_null(moments), True).as_py()
        raise DataError(
            f"{file}: {name} of row {row} is {column[row].as_py()!r}; expected a time ({recipe.event_time.format}).",
            next_step="Mend the row (the first is 0), or leave it out.",
        )
    return moments


def _entities(file: Path, table: pa.Table, recipe: Recipe, name: str) -> pa.Array:
    column = table.column(name).combine_chunks()
    check = column_checks(recipe)[name]
    texts, wrong = entity_texts(check, column)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{file}: {name} of row {row} is {column[row].as_py()!r}; expected {check.expected_type}.",
            next_step="Mend the row (the first is 0), or leave it out.",
        )
    return texts


def with_features(file: Path, table: pa.Table, groups: list[OpenGroup], recipe: Recipe) -> pa.Table:
    """The rows, with the features of their entities as they were known just before each row's time.

    Raises:
        DataError: A row has no time, or an entity of the wrong type.
    """
    moments = _moments(file, table, recipe)
    for one in groups:
        asked = pa.table({"entity": _entities(file, table, recipe, one.group.entity), "time": moments})
        found = point_in_time(
            asked,
            one.records.rename_columns({one.group.entity: "entity"}),
            entity="entity",
            time="time",
            event_time=EVENT_TIME,
            known_at=KNOWN_AT,
            features=list(one.group.windows),
            ttl=timedelta(seconds=one.group.ttl_s),
        )
        for name in one.group.windows:
            table = table.append_column(name, found.column(name))
    return table


def write(table: pa.Table, path: Path) -> None:
    """Write Parquet.

    Raises:
        UserError: It cannot be written there.
    """
    try:
        pq.write_table(table, path, compression="zstd")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}.", next_step="Choose another place with --out."
        ) from error


def newest_of(one: OpenGroup) -> dict[str, dict[str, float] | None]:
    """What each entity's newest record says, None where it has expired; as `OpenGroup.online` says it."""
    records = one.records.append_column("number", pa.array(range(one.records.num_rows)))
    order = [(EVENT_TIME, "ascending"), (KNOWN_AT, "ascending"), ("number", "ascending")]
    dead = datetime.now(UTC) - timedelta(seconds=one.group.ttl_s)
    newest: dict[str, dict[str, float] | None] = {}
    for row in records.sort_by(order).to_pylist():
        found = {name: row[name] for name in one.group.windows if row[name] is not None}
        newest[row[one.group.entity]] = found if row[KNOWN_AT] > dead else None
    return newest
