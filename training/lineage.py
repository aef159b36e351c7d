"""Where a model comes from: enough to train it again, byte for byte."""

import hashlib
import json
import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import comal
import training
from comal.recipe import Recipe
from training.channels import Job
from training.dataset import Batch

FILE_NAME = "lineage.json"
_LIBRARIES = ("lightgbm", "numpy", "pyarrow", "scikit-learn", "xgboost", "xgboost-cpu")
_CHUNK_BYTES = 1 << 20


class Input(BaseModel):
    """One validated file that the job was given."""

    key: str
    sha256: str
    rows: int


class Lineage(BaseModel):
    """The lineage.json of one run.

    Attributes:
        inputs: Files by their key in the lake bucket; held-out rows are among their rows.
        recipe_sha256: Digest of the recipe with every default filled in.
        fit_sha256: Digest of the team's own fit; empty without one.
        code_sha256: Digest of the kit's own code in the image.
        libraries: Versions of what computes; Python among them.
        hardware: Instance type and device; `local` stands for an unnamed machine.
        created: When the model was finished, ISO 8601 in UTC.
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


def lineage_of(job: Job, batches: list[Batch], device: str, created: datetime) -> Lineage:
    """Lineage of a run that has just ended; `created` is timezone-aware."""
    return Lineage(
        model=job.recipe.model,
        run_id=job.hyperparameters.run_id,
        inputs=[Input(key=batch.key, sha256=_sha256(batch.path), rows=batch.rows) for batch in batches],
        recipe_sha256=recipe_digest(job.recipe),
        fit_sha256=_sha256(job.own_fit) if job.recipe.training.fit else "",
        code_sha256=code_digest(),
        libraries=_versions(),
        seed=job.recipe.training.seed,
        hardware=f"{job.instance_type or 'local'} {platform.machine()} {device}",
        created=created.isoformat(),
    )


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of the recipe as JSON with sorted keys."""
    text = json.dumps(recipe.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest() -> str:
    """SHA-256 over the names and contents of the kit's modules that a job runs."""
    digest = hashlib.sha256()
    for package in (comal, training):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder.parent).as_posix()
            if not name.startswith("comal/cli/"):  # not in the image
                digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # xgboost is xgboost-cpu, or the other way round
            continue
    return found


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
