"""What SageMaker calls the feature groups of recipes, and whose a feature group is."""

from comal.deployed_recipes import DeployedRecipes
from comal.names import Names
from comal.recipe import Recipe


def recipe_of_group(recipes: DeployedRecipes, names: Names, feature_group: str) -> Recipe | None:
    """The recipe that a feature group was made for; None for another stack's, or of a definition that is over."""
    for model in recipes.models():
        # One model's name may begin with another's, so that only the recipe settles it.
        recipe = recipes.of_model(model) if feature_group.startswith(f"{names.of_model(model)}-") else None
        if recipe is not None and feature_group in group_names(names, recipe).values():
            return recipe
    return None


def group_names(names: Names, recipe: Recipe) -> dict[str, str]:
    """What the feature groups of a recipe are called in SageMaker, by their names in the recipe."""
    definition = recipe.feature_definition
    return {name: names.feature_group(recipe.model, name, definition) for name in recipe.feature_groups}
