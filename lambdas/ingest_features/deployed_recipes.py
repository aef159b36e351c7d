"""The recipes that the stack deployed, by their model, or by a feature group of SageMaker that is theirs."""

from pathlib import PurePosixPath
from typing import Any

from comal import s3_layout
from comal.names import Names
from comal.recipe import Recipe


class DeployedRecipes:
    """Recipes in the lake; the client is boto3's."""

    def __init__(self, s3: Any, names: Names) -> None:
        self._s3 = s3
        self._names = names

    def of_model(self, model: str) -> Recipe | None:
        """The recipe of a model, or None."""
        try:
            answer = self._s3.get_object(Bucket=self._names.bucket("lake"), Key=s3_layout.recipe_key(model))
        except self._s3.exceptions.NoSuchKey:
            return None
        return Recipe.model_validate_json(answer["Body"].read())

    def of_group(self, feature_group: str) -> Recipe | None:
        """The recipe that a feature group was made for; None for another stack's, or of a definition that is over."""
        for model in self._models():
            # One model's name may begin with another's, so that only the recipe settles it.
            recipe = self.of_model(model) if feature_group.startswith(f"{self._names.of_model(model)}-") else None
            if recipe is not None and feature_group in group_names(self._names, recipe).values():
                return recipe
        return None

    def _models(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._names.bucket("lake"), Prefix=s3_layout.RECIPES
        )
        keys = [PurePosixPath(item["Key"]) for page in pages for item in page.get("Contents", [])]
        return sorted(key.stem for key in keys if key.suffix == ".json")


def group_names(names: Names, recipe: Recipe) -> dict[str, str]:
    """What the feature groups of a recipe are called in SageMaker, by their names in the recipe."""
    definition = recipe.feature_definition
    return {name: names.feature_group(recipe.model, name, definition) for name in recipe.feature_groups}
