"""Which of a recipe's `training.params` an algorithm understands; a misspelt one is refused, not ignored."""

from collections.abc import Iterable, Mapping

from comal.errors import RecipeError
from comal.recipe import Recipe

# Rounds of boosting where training.params.num_boost_round does not say.
DEFAULT_ROUNDS = 200

Value = int | float | str | bool


def check_names(params: Mapping[str, Value], known: Iterable[str], algorithm: str) -> None:
    """Refuse parameters that the algorithm does not have.

    Raises:
        RecipeError: A name is unknown; the message lists the known ones.
    """
    known = sorted(known)
    for name in params:
        if name not in known:
            raise RecipeError(
                f"training.params.{name} is no parameter of {algorithm}; it knows {', '.join(known)}.",
                next_step="Correct or remove the parameter.",
            )


def positive_integer(params: Mapping[str, Value], name: str, default: int) -> int:
    """A parameter that counts something.

    Raises:
        RecipeError: The value is not a whole number above 0.
    """
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RecipeError(
            f"training.params.{name} is {value!r}; expected a whole number above 0.",
            next_step="Correct the parameter.",
        )
    return value


def positive_number(params: Mapping[str, Value], name: str, default: float) -> float:
    """A parameter that measures something.

    Raises:
        RecipeError: The value is not a number above 0.
    """
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise RecipeError(
            f"training.params.{name} is {value!r}; expected a number above 0.", next_step="Correct the parameter."
        )
    return float(value)


def shown(recipe: Recipe) -> str:
    """The recipe's own parameters, for messages: an algorithm does not say which one it means."""
    params = recipe.training.params
    return (
        "training.params: " + ", ".join(f"{name} {value!r}" for name, value in params.items()) if params else "defaults"
    )
