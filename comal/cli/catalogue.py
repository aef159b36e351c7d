"""Which models a stack has, by the recipes that it deployed."""

import json
from typing import Any

from comal import s3_layout
from comal.cli.target import Target
from comal.errors import UserError
from comal.recipe import Recipe


def deployed_models(target: Target) -> list[str]:
    """Names of the stack's models, in order; empty when the stack is not up."""
    s3 = target.client("s3")
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=target.names.bucket("lake"), Prefix=s3_layout.RECIPES
        )
        objects = [item["Key"] for page in pages for item in page.get("Contents", [])]
    except s3.exceptions.NoSuchBucket:
        return []
    keys = [key for key in objects if key.endswith(".json")]
    return sorted(key.removeprefix(s3_layout.RECIPES).removesuffix(".json") for key in keys)


def require_model(target: Target, model: str) -> None:
    """Make sure that the stack has a model.

    Raises:
        UserError: It has not; the message names those that it has.
    """
    known = deployed_models(target)
    if model in known:
        return
    if not known:
        raise UserError(
            f"Stack '{target.stack}' has no models: it is not up.", next_step=f"Run: comal up{target.option}"
        )
    has_recipe = (target.repository.recipes_dir / f"{model}.yaml").is_file()
    raise UserError(
        f"Stack '{target.stack}' has no model '{model}'; it has {', '.join(known)}.",
        next_step=f"recipes/{model}.yaml is not deployed yet: comal up{target.option}"
        if has_recipe
        else f"Draft a recipe with `comal init DATA.csv --target COLUMN --name {model}`, then run `comal up`.",
    )


def deployed_recipe(target: Target, model: str) -> Recipe:
    """The recipe that the stack deployed for a model it has."""
    key = s3_layout.recipe_key(model)
    answer: dict[str, Any] = target.client("s3").get_object(Bucket=target.names.bucket("lake"), Key=key)
    return Recipe.model_validate(json.loads(answer["Body"].read()))
