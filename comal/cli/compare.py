"""`comal compare`: two versions of a model side by side."""

from pathlib import Path
from typing import Annotated, Any

import typer

from comal.cli.catalogue import require_model
from comal.cli.compare_page import page, plot_pairs
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.lineages import lineage_of, recipe_of
from comal.cli.records import record_of
from comal.cli.target import LOCAL_STACK, Target, open_target
from comal.cli.verdict import version_named
from comal.lineage import differences, recipe_differences
from comal.run_record import RunRecord

EPILOG = examples("comal compare tacos 2 3", "comal compare tacos 2 3 --json")

Version = Annotated[int, typer.Argument(help="Version, as `comal models` lists it.", min=1)]


def compare(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    first: Version,
    second: Version,
    stack: Stack = LOCAL_STACK,
    as_json: Json = False,
) -> None:
    """Compare two versions: metrics, age, rows, and what differs in recipe, inputs, code and libraries.

    The metrics are each version's on the held-out rows of its own time; how a challenger did against the champion on
    the same rows stands in its reason. The same is written as one page that opens anywhere,
    with the plots of both runs side by side.

    Keys of --json: versions (two rows of `comal models --json`), differences, page (its path).
    """
    target = open_target(stack)
    require_model(target, model)
    rows = [version_named(target, model, version) for version in (first, second)]
    found = list(_differences(target, model, rows))
    records = [record_of(target, model, row) for row in rows]
    lines = [*_lines(rows), *_fitted_by(records)]
    path = _write(target, model, rows, records, lines, found)
    if as_json:
        print_json({"versions": rows, "differences": found, "page": str(path)})
        return
    # Reasons are long: between the others they would tear the table apart.
    print_table(("what", f"version {first}", f"version {second}"), [line for line in lines if line[0] != "why"])
    print_table(("version", "why"), [(row["version"], row["why"]) for row in rows])
    print_table(("what differs",), [(difference,) for difference in found] or [("nothing that is on record",)])
    say(f"page          {path}")
    say(f'next          comal promote {model} VERSION --why "…"{target.option}')


def _differences(target: Target, model: str, rows: list[dict[str, Any]]) -> list[str]:
    then, now = (lineage_of(target, model, row) for row in rows)
    recipes = [recipe_of(target, model, row) for row in rows]
    named = list(recipe_differences(*recipes))
    first, second = (f"version {row['version']}" for row in rows)
    return [*named, *(one for one in differences(then, now, first, second) if not (named and "recipe" in one))]


def _lines(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = sorted({name for row in rows for name in row["metrics"]})
    return [
        ("approval", *(row["approval"] for row in rows)),
        *((name, *(_number(row["metrics"].get(name)) for row in rows)) for name in names),
        ("trained rows", *(row["trained_rows"] for row in rows)),
        ("created", *(f"{row['created_at']:%Y-%m-%d %H:%M}" for row in rows)),
        ("expires", *(f"{row['expires_at']:%Y-%m-%d}" if row["expires_at"] else None for row in rows)),
        ("run", *(row["run_id"] for row in rows)),
        ("why", *(row["why"] for row in rows)),
    ]


def _fitted_by(records: list[RunRecord | None]) -> list[tuple[Any, ...]]:
    """Algorithm and parameters of both runs, after a search the winner's."""
    sides = [{"algorithm": record.algorithm, **record.parameters} if record else {} for record in records]
    return [(name, *(side.get(name) for side in sides)) for name in {**sides[1], **sides[0]}]


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"


def _write(
    target: Target,
    model: str,
    rows: list[dict[str, Any]],
    records: list[RunRecord | None],
    lines: list[tuple[Any, ...]],
    found: list[str],
) -> Path:
    first, second = (row["version"] for row in rows)
    path = target.repository.reports_dir / target.stack / f"{model}-{first}-and-{second}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(model, target.stack, (first, second), lines, found, plot_pairs(*records)))
    return path
