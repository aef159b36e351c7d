"""`comal features`: what the feature store knew at moments of the past, and whether both of its sides agree."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import typer

from comal.cli.catalogue import deployed_recipe
from comal.cli.console import Json, Stack, err, examples, print_json, print_table, say
from comal.cli.failures import Guarded
from comal.cli.feature_groups import OpenGroup, entity_texts, open_groups
from comal.cli.target import LOCAL_STACK, open_target
from comal.contract_columns import column_checks
from comal.errors import DataError, UserError
from comal.event_time import event_times
from comal.feature_group import EVENT_TIME, KNOWN_AT
from comal.recipe import Recipe

app = typer.Typer(
    cls=Guarded, no_args_is_help=True, rich_markup_mode="rich", help="Features at moments of the past, and now."
)
_SHOWN = 10


@app.command(
    epilog=examples(
        "comal features get tacos orders.csv",
        "comal features get tacos orders.parquet --out orders-with-features.parquet --json",
    )
)
def get(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with the groups' entities and the event time.")],
    out: Annotated[Path | None, typer.Option(help="Where to write; FILE.features.parquet by default.")] = None,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Add to each row the features of its entity as they were known just before its time.

    Every row keeps its place; what was not known is missing. Nothing of the row's own time or later counts.

    Keys of --json: rows, features (each with the rows that have none), out.
    """
    target = open_target(stack)
    groups = open_groups(target, model)
    recipe = deployed_recipe(target, model)
    table = _read(file, recipe, groups)
    moments = _moments(file, table, recipe)
    with err.status("Reading the offline store …"):
        found = _joined(file, table, moments, groups, recipe)
    path = out or file.with_name(f"{file.stem}.features.parquet")
    try:
        pq.write_table(found, path, compression="zstd")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}.", next_step="Choose another place with --out."
        ) from error
    missing = {name: found.column(name).null_count for one in groups for name in one.group.windows}
    if as_json:
        print_json({"rows": found.num_rows, "features": missing, "out": str(path)})
        return
    print_table(["feature", "rows without"], [(name, f"{count:,}") for name, count in missing.items()])
    say(f"{found.num_rows:,} rows: {path}. Next: pandas.read_parquet({str(path)!r})")


@app.command(epilog=examples("comal features parity tacos", "comal features parity tacos --json -s prod"))
def parity(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Compare what is online of every entity with its newest record offline. Exit code 1 when an entity differs.

    Keys of --json, one row a feature group: group, feature_group, entities, equal, different (their names).
    """
    target = open_target(stack)
    rows = []
    with err.status("Comparing …"):
        for one in open_groups(target, model):
            newest = _newest(one)
            online = one.online_all(newest)
            different = [entity for entity, expected in newest.items() if online.get(entity) != expected]
            rows.append(
                {
                    "group": one.name,
                    "feature_group": one.full_name,
                    "entities": len(newest),
                    "equal": len(newest) - len(different),
                    "different": different,
                }
            )
    if as_json:
        print_json(rows)
    else:
        _show_parity(model, rows)
    if any(row["different"] for row in rows):
        raise typer.Exit(1)


def _show_parity(model: str, rows: list[dict[str, Any]]) -> None:
    shown = []
    for row in rows:
        share = f"{row['equal'] / row['entities']:.1%}" if row["entities"] else None
        shown.append([row["group"], row["entities"], row["equal"], share, ", ".join(row["different"][:_SHOWN])])
    print_table(["group", "entities", "equal", "parity", "different"], shown)
    if any(row["different"] for row in rows):
        say(f"Next: comal logs function {model}. A batch that is being ingested now makes a moment's difference.")


def _read(file: Path, recipe: Recipe, groups: list[OpenGroup]) -> pa.Table:
    assert recipe.event_time is not None  # the recipe has feature groups
    needed = [recipe.event_time.column, *(one.group.entity for one in groups)]
    # As they are written: what they are the recipe says, and "01" is no number.
    as_texts = pa_csv.ConvertOptions(column_types=dict.fromkeys(needed, pa.string()))
    try:
        is_parquet = file.suffix.lower() == ".parquet"
        table = pq.read_table(file) if is_parquet else pa_csv.read_csv(file, convert_options=as_texts)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", next_step="Check the path.") from error
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


def _joined(file: Path, table: pa.Table, moments: pa.Array, groups: list[OpenGroup], recipe: Recipe) -> pa.Table:
    from comal.point_in_time import point_in_time

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


def _newest(one: OpenGroup) -> dict[str, dict[str, float] | None]:
    """What each entity's newest record says, None where it has expired; as `OpenGroup.online` says it."""
    records = one.records.append_column("number", pa.array(range(one.records.num_rows)))
    order = [(EVENT_TIME, "ascending"), (KNOWN_AT, "ascending"), ("number", "ascending")]
    dead = datetime.now(UTC) - timedelta(seconds=one.group.ttl_s)
    newest: dict[str, dict[str, float] | None] = {}
    for row in records.sort_by(order).to_pylist():
        found = {name: row[name] for name in one.group.windows if row[name] is not None}
        newest[row[one.group.entity]] = found if row[KNOWN_AT] > dead else None
    return newest
