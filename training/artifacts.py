"""What a job leaves: the model's folder (model.tar.gz) and the documents about it (also in output.tar.gz)."""

from collections.abc import Mapping

from comal.lineage import files_digest
from comal.recipe import Recipe
from training.model import TrainedModel
from training.paths import TrainPaths

RECIPE_FILE = "recipe.json"


def write_model(paths: TrainPaths, trained: TrainedModel, recipe: Recipe) -> tuple[list[str], str]:
    """Write the model's own files and the recipe that it was trained by.

    Returns:
        Their names, and their digest (comal.lineage.files_digest): the same inputs give the same one.
    """
    paths.model.mkdir(parents=True, exist_ok=True)
    trained.save(paths.model)
    (paths.model / RECIPE_FILE).write_text(recipe.model_dump_json(indent=2))
    files = {path.relative_to(paths.model).as_posix(): path for path in paths.model.rglob("*") if path.is_file()}
    return sorted(files), files_digest({name: path.read_bytes() for name, path in files.items()})


def write_documents(paths: TrainPaths, documents: Mapping[str, str]) -> None:
    """Write what is to be known about the model beside it, and once more for the registry.

    Args:
        paths: Where the folders are.
        documents: Texts by file name.
    """
    paths.output.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        (paths.model / name).write_text(text)
        (paths.output / name).write_text(text)
