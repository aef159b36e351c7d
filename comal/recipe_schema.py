"""The JSON Schema of a recipe, from which editors complete and check keys."""

from typing import Any

from comal.recipe import Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def recipe_schema() -> dict[str, Any]:
    """The schema, with every key's description and default."""
    return {"$schema": DIALECT, **Recipe.model_json_schema()}
