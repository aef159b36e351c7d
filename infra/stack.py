"""What every component of one stack shares: names, settings, recipes, tags."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from comal.errors import UserError
from comal.names import PROJECT, Names
from comal.recipe import Recipe
from infra.settings import Settings


@dataclass(frozen=True)
class Stack:
    """One stack in one account and region."""

    names: Names
    settings: Settings
    recipes: tuple[Recipe, ...]

    def tags(self, model: str | None = None) -> dict[str, str]:
        """Tags of a resource; `model` for one that belongs to a single model."""
        tags = {"project": PROJECT, "managed-by": "pulumi", "comal:stack": self.names.stack}
        return tags | ({"comal:model": model} if model else {})

    def data_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of what holds data, or guards it: without emptyOnDestroy it outlives the stack."""
        return pulumi.ResourceOptions(parent=parent, retain_on_delete=not self.settings.empty_on_destroy)


def choose_recipes(recipes: Sequence[Recipe], settings: Settings) -> tuple[Recipe, ...]:
    """The recipes that the stack has, by name; `serving.mode: auto` is settled by what the stack has.

    Raises:
        UserError: `comal:models` names a model without a recipe, or a recipe needs what the stack has not.
    """
    by_model = {recipe.model: recipe for recipe in recipes}
    unknown = [model for model in settings.models if model not in by_model]
    if unknown:
        raise UserError(
            f"comal:models names {', '.join(unknown)}; recipes/ has {', '.join(sorted(by_model)) or 'none'}.",
            next_step="Add the recipe with `comal init`, or take the model out of comal:models.",
        )
    chosen = [by_model[model] for model in sorted(settings.models or by_model)]
    for recipe in chosen:
        if recipe.feature_groups and not settings.has("feature_store"):
            raise UserError(
                f"recipes/{recipe.model}.yaml has feature_groups, and the stack no feature store.",
                next_step="Add feature_store to comal:components, or take feature_groups out of the recipe.",
            )
    return tuple(_settled(recipe, settings) for recipe in chosen)


def _settled(recipe: Recipe, settings: Settings) -> Recipe:
    if recipe.serving.mode != "auto":
        return recipe
    mode = "realtime" if settings.has("monitoring") else "serverless"
    return recipe.model_copy(update={"serving": recipe.serving.model_copy(update={"mode": mode})})
