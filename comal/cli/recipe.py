"""`comal recipe`: checking recipes, and the schema that editors use."""

from pathlib import Path
from typing import Annotated, Any

import typer

from comal import recipe_file
from comal.cli.console import Json, complain, examples, print_json, print_table
from comal.cli.failures import WRONG_INPUT, Guarded
from comal.cli.repository import find_repository
from comal.errors import RecipeError
from comal.recipe_schema import recipe_schema

app = typer.Typer(cls=Guarded, no_args_is_help=True, rich_markup_mode="rich", help="Check recipes; print their schema.")


@app.command(epilog=examples("comal recipe schema > recipe.schema.json"))
def schema() -> None:
    """Print the JSON Schema of a recipe, for editors."""
    print_json(recipe_schema())


@app.command(epilog=examples("comal recipe check", "comal recipe check recipes/tacos.yaml --json"))
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Recipes; all of recipes/ by default.")] = None,
    as_json: Json = False,
) -> None:
    """Check recipes: every mistake with file, line, value and what was expected. Exit code 2 when there is one.

    Keys of --json, one row a file: file, model, ok, error.
    """
    folder = find_repository().recipes_dir
    rows: list[dict[str, Any]] = []
    problems = []
    for path in files or sorted(folder.glob("*.yaml")):
        try:
            recipe = recipe_file.load(path)
            rows.append({"file": str(path), "model": recipe.model, "ok": True, "error": None})
        except RecipeError as error:
            problems.append(error)
            rows.append({"file": str(path), "model": None, "ok": False, "error": error.message})
    if not files and not problems:
        problems += _problems_between(folder)
    if as_json:
        print_json(rows)
    else:
        print_table(("recipe", "model", "ok"), [(row["file"], row["model"], row["ok"]) for row in rows])
        for problem in problems:
            complain(problem.message, problem.next_step)
    if problems:
        raise typer.Exit(WRONG_INPUT)


def _problems_between(folder: Path) -> list[RecipeError]:
    """What is wrong with the recipes of a folder taken together."""
    try:
        recipe_file.load_folder(folder)
    except RecipeError as error:
        return [error]
    return []
