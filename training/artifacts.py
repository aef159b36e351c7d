"""What a job leaves: the model's folder (model.tar.gz) and the documents about it (also in output.tar.gz)."""

import json
from collections.abc import Mapping
from typing import Any

from comal.recipe import Recipe
from training.model import TrainedModel
from training.paths import TrainPaths

RECIPE_FILE = "recipe.json"
CARD_FILE = "model_card.json"


def write_artifacts(
    paths: TrainPaths,
    trained: TrainedModel,
    recipe: Recipe,
    documents: Mapping[str, str],
    card: Mapping[str, Any],
) -> None:
    """Write the model with everything about it, and the documents once more for the registry.

    Args:
        paths: Where the folders are.
        trained: The model.
        recipe: The recipe that it was trained by.
        documents: JSON texts by file name.
        card: The model card.
    """
    paths.model.mkdir(parents=True, exist_ok=True)
    paths.output.mkdir(parents=True, exist_ok=True)
    trained.save(paths.model)
    (paths.model / RECIPE_FILE).write_text(recipe.model_dump_json(indent=2))
    for name, text in {**documents, CARD_FILE: json.dumps(card, indent=2)}.items():
        (paths.model / name).write_text(text)
        (paths.output / name).write_text(text)
