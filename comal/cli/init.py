"""`comal init`: a recipe drafted from a CSV file."""

from pathlib import Path
from typing import Annotated

import typer

from comal.cli.console import Json, Yes, examples, print_json, print_table, say, warn
from comal.cli.repository import find_repository
from comal.errors import UserError

EPILOG = examples(
    "comal init rentals.csv --target count",
    "comal init bikes_hour.csv --target cnt --time dteday --name bikes",
)


def init(
    data: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    time: Annotated[str | None, typer.Option(help="Column that says when a row happened.")] = None,
    entity: Annotated[str | None, typer.Option(help="Column that identifies whom or what a row is about.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; the file's name by default.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Draft recipes/NAME.yaml from a CSV file: types, ranges with a margin, categories; ids and leaks are left out.

    An existing recipe is replaced only with --yes.

    Keys of --json: recipe (path), columns (list of column, guess, why), warnings, next_step.
    """
    from comal.recipe_draft import draft as draft_recipe

    repository = find_repository()
    if not data.is_file():
        raise UserError(f"{data} is not a file.", next_step="Check the path.")
    draft = draft_recipe(data, target=target, time=time, entity=entity, name=name)
    path = repository.recipes_dir / f"{draft.model}.yaml"
    if path.exists() and not yes and path.read_text() != draft.yaml:
        raise UserError(f"{path} exists already.", next_step="Give another --name, or replace it with --yes.")
    path.write_text(draft.yaml)
    next_step = f"Read {path}, then: comal up && comal push {draft.model} {data}"
    columns = [{"column": guess.column, "guess": guess.role, "why": guess.why} for guess in draft.guesses]
    if as_json:
        print_json({"recipe": str(path), "columns": columns, "warnings": draft.warnings, "next_step": next_step})
        return
    print_table(("column", "guess", "why"), [tuple(column.values()) for column in columns])
    for warning in draft.warnings:
        warn(warning)
    say(f"Wrote {path}.")
    say(f"Next: {next_step}")
