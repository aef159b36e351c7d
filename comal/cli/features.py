"""`comal features`: what the feature store knew at moments of the past, and whether both of its sides agree."""

from pathlib import Path
from typing import Annotated, Any

import typer

from comal.cli.catalogue import deployed_recipe
from comal.cli.console import Json, Stack, err, examples, print_json, print_table, say
from comal.cli.failures import Guarded
from comal.cli.feature_groups import open_groups
from comal.cli.target import LOCAL_STACK, open_target
from comal.errors import UserError

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
    Columns of a CSV file stay texts as they are written, but for numbers that lose nothing by it.

    Keys of --json: rows, features (each with the rows that have none), out.
    """
    from comal.cli import feature_table  # Arrow takes a fifth of a second, and other commands are quicker without

    path = out or file.with_name(f"{file.stem}.features.parquet")
    if path.exists() and file.exists() and path.samefile(file):
        raise UserError(f"{path} is the file itself.", next_step="Choose another place with --out.")
    target = open_target(stack)
    groups = open_groups(target, model)
    recipe = deployed_recipe(target, model)
    table = feature_table.read_rows(file, recipe, groups)
    with err.status("Reading the offline store …"):
        found = feature_table.with_features(file, table, groups, recipe)
    feature_table.write(found, path)
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
    from comal.cli import feature_table

    target = open_target(stack)
    rows = []
    with err.status("Comparing …"):
        for one in open_groups(target, model):
            newest = feature_table.newest_of(one)
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
