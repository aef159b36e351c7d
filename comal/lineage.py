"""Where a model comes from: enough to train it again, byte for byte, and to say what has changed since."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from comal.recipe import Recipe

FILE_NAME = "lineage.json"


class Input(BaseModel):
    """One validated file that the job was given.

    Attributes:
        version_id: Of the object in S3, noted when the model was registered; empty before.
    """

    key: str
    sha256: str
    rows: int
    version_id: str = ""


class Lineage(BaseModel):
    """The lineage.json of one run.

    Attributes:
        inputs: Files by their key in the lake bucket; held-out rows are among their rows.
        recipe_sha256: Digest of the recipe with every default filled in.
        fit_sha256: Digest of the team's own fit; empty without one.
        code_sha256: Digest of the kit's own code in the image.
        libraries: Versions of what computes; Python among them, and what a team's own fit imports.
        hardware: Instance type and device; `local` stands for an unnamed machine.
        created: When the model was finished, ISO 8601 in UTC.
        artifact_files: The model's own files in its archive; documents about it, which hold times, are not among them.
        artifact_sha256: Digest of those files (`files_digest`).
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    schema_version: int = 1
    model: str
    run_id: str
    inputs: list[Input]
    recipe_sha256: str
    fit_sha256: str = ""
    code_sha256: str
    libraries: dict[str, str]
    seed: int
    hardware: str
    created: str
    artifact_files: list[str]
    artifact_sha256: str


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of what the recipe says, as JSON with sorted keys; what it leaves to its default changes nothing."""
    text = json.dumps(recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def files_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and contents of files, whatever their order, their times and how they are packed."""
    digest = hashlib.sha256()
    for name in sorted(files):
        content = files[name]
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def differences(then: Lineage, now: Lineage, first: str, second: str) -> Iterator[str]:
    """What differs between two runs, called by names of theirs; what matters most first."""
    known = {entry.key: entry for entry in now.inputs}
    for entry in then.inputs:
        if entry.key not in known:
            yield f"input {entry.key} went into {first} only"
        elif known[entry.key].sha256 != entry.sha256:
            yield f"input {entry.key} holds other rows than then"
    for key in sorted(known.keys() - {entry.key for entry in then.inputs}):
        yield f"input {key} went into {second} only"
    if then.recipe_sha256 != now.recipe_sha256:
        yield "the recipe is another one"
    if then.fit_sha256 != now.fit_sha256:
        yield "the team's own fit is another one"
    if then.seed != now.seed:
        yield f"the seed was {then.seed}, and is {now.seed}"
    for name in sorted(then.libraries.keys() | now.libraries.keys()):
        before, after = then.libraries.get(name, "absent"), now.libraries.get(name, "absent")
        if before != after:
            yield f"library {name} was {before}, and is {after}"
    if then.code_sha256 != now.code_sha256:
        yield "the kit's own code in the image is another one"
    if then.hardware != now.hardware:
        yield f"the hardware was '{then.hardware}', and is '{now.hardware}'"


def recipe_differences(then: Recipe, now: Recipe) -> Iterator[str]:
    """Keys whose values differ between two recipes, with both values."""
    before, after = (dict(_flat(recipe.model_dump(mode="json"))) for recipe in (then, now))
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield f"recipe key {key} was {before.get(key)}, and is {after.get(key)}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
