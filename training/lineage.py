"""The lineage of a run, as the job itself sees it."""

import ast
import hashlib
import platform
from datetime import datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import comal
import training
from comal.lineage import Input, Lineage, recipe_digest
from training.channels import Job
from training.dataset import Batch

# Everything that a fit of the kit's computes with.
_LIBRARIES = ("joblib", "lightgbm", "numpy", "optuna", "pyarrow", "scikit-learn", "scipy", "xgboost", "xgboost-cpu")
_CHUNK_BYTES = 1 << 20


def lineage_of(
    job: Job, batches: list[Batch], device: str, created: datetime, artifact: tuple[list[str], str]
) -> Lineage:
    """Lineage of a run whose model is saved: `artifact` is what `write_model` said; `created` is timezone-aware."""
    files, sha256 = artifact
    return Lineage(
        model=job.recipe.model,
        run_id=job.hyperparameters.run_id,
        inputs=[Input(key=batch.key, sha256=_sha256(batch.path), rows=batch.rows) for batch in batches],
        recipe_sha256=recipe_digest(job.recipe),
        fit_sha256=_sha256(job.own_fit) if job.recipe.training.fit else "",
        code_sha256=code_digest(),
        libraries=_versions([*_LIBRARIES, *(_imported_by(job.own_fit) if job.recipe.training.fit else [])]),
        seed=job.recipe.training.seed,
        hardware=f"{job.instance_type or 'local'} {platform.machine()} {device}",
        created=created.isoformat(),
        artifact_files=files,
        artifact_sha256=sha256,
    )


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


def _imported_by(source: Path) -> set[str]:
    """Distributions of what a file imports, wherever in it."""
    modules = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.partition(".")[0])
    of_module = packages_distributions()
    return {name for module in modules for name in of_module.get(module, [])}


def _versions(names: list[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in names:
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
