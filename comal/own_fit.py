"""A team's own `fit`: where it lies in the clone, and whether it can be one."""

import ast
from pathlib import Path

from comal.errors import RecipeError
from comal.recipe import Recipe

# The file's name in the recipe channel of a training job.
FILE_NAME = "fit.py"


def file_and_function(reference: str) -> tuple[str, str]:
    """`my_models/churn.py:fit` as the file's path in the clone and the function's name."""
    path, _, function = reference.partition(":")
    return path, function


def source_of(recipe: Recipe, clone: Path) -> str | None:
    """The text of the file that a recipe's `training.fit` names; None where it names none.

    Raises:
        RecipeError: There is no such file, it is not Python, or it has no such function.
    """
    if recipe.training.fit is None:
        return None
    name, function = file_and_function(recipe.training.fit)
    path = clone / name
    if not path.is_file():
        raise RecipeError(
            f"training.fit of model '{recipe.model}': {path} does not exist.", next_step="Write the file."
        )
    try:
        source = path.read_text()
        module = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise RecipeError(f"{path}{line}: this is not Python: {error}.", next_step="Correct the file.") from error
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in module.body):
        raise RecipeError(
            f"{path} has no function '{function}', which training.fit of model '{recipe.model}' names.",
            next_step=f"Define `def {function}(table, params)` there.",
        )
    return source
