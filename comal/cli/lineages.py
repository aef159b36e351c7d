"""Lineages of a stack's versions, as register_model keeps them."""

from typing import Any

from comal import s3_layout
from comal.cli.documents import address, read_document
from comal.cli.target import Target
from comal.cli.versions import versions_of
from comal.errors import UserError
from comal.lineage import Lineage
from comal.recipe import Recipe


def lineage_of(target: Target, model: str, version: dict[str, Any]) -> Lineage:
    """Where a version comes from.

    Args:
        target: The stack.
        model: Name of the model.
        version: A row of `versions_of`.

    Raises:
        UserError: Somebody else registered the version, or its record is gone.
        DamagedDocumentError: Its record is no lineage any more.
    """
    found = _read(target, model, version["run_id"]) if version["run_id"] else None
    if found is None:
        raise UserError(
            f"Version {version['version']} of {model} has no lineage on record: comal did not register it, or "
            f"{address(target, s3_layout.run_lineage_key(model, version['run_id'] or 'RUN'))} was deleted.",
            next_step="Restore an older version of that object, or choose another version: "
            f"comal models {model}{target.option}",
        )
    return found


def recipe_of(target: Target, model: str, version: dict[str, Any]) -> Recipe:
    """The recipe of a version's run; `lineage_of` says beforehand whether it was one of ours.

    Raises:
        UserError: It was deleted.
        DamagedDocumentError: It is no recipe any more.
    """
    key = s3_layout.run_recipe_prefix(model, version["run_id"]) + "recipe.json"
    recipe = read_document(target, key, Recipe, "recipe")
    if recipe is None:
        raise UserError(
            f"The recipe of version {version['version']} of {model}, {address(target, key)}, was deleted.",
            next_step="Restore an older version of that object.",
        )
    return recipe.with_windows()


def versions_with(target: Target, model: str, wanted: str) -> list[dict[str, Any]]:
    """Versions that an input went into, newest first: rows of `versions_of` with `input`, its key.

    Args:
        target: The stack.
        model: Name of the model.
        wanted: A batch id, a key of the lake, its address, or its last folders.
    """
    key = s3_layout.split_uri(wanted)[1] if wanted.startswith("s3://") else wanted
    found = []
    for version in versions_of(target, model):
        lineage = _read(target, model, version["run_id"]) if version["run_id"] else None
        keys = [entry.key for entry in lineage.inputs if _names(key, entry.key)] if lineage else []
        found += [{**version, "input": name} for name in keys]
    return found


def _names(wanted: str, key: str) -> bool:
    return f"/{key}".endswith(f"/{wanted}") or key.rpartition("/")[2].partition(".")[0] == wanted


def _read(target: Target, model: str, run_id: str) -> Lineage | None:
    return read_document(target, s3_layout.run_lineage_key(model, run_id), Lineage, "lineage")
