"""The recipes that a stack deployed, as its functions read them."""

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
        """The recipe of a model; None when the stack has no such model."""
        try:
            answer = self._s3.get_object(Bucket=self._names.bucket("lake"), Key=s3_layout.recipe_key(model))
        except self._s3.exceptions.NoSuchKey:
            return None
        return Recipe.model_validate_json(answer["Body"].read())

    def models(self) -> list[str]:
        """Models that have a recipe in the stack."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._names.bucket("lake"), Prefix=s3_layout.RECIPES
        )
        keys = [PurePosixPath(item["Key"]) for page in pages for item in page.get("Contents", [])]
        return sorted(key.stem for key in keys if key.suffix == ".json")
