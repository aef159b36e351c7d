"""Folders laid out by SageMaker's training contract, to train in."""

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from comal.recipe import Recipe
from training.holdout import held_out_rows
from training.paths import TrainPaths
from training.stop import StopRequest
from training.train import train

LAKE_FOLDER = "validated/v1/dt=2026-01-05"
CHAMPION_ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/local-m/3"


@dataclass(frozen=True)
class JobFolder:
    """One job's /opt/ml."""

    paths: TrainPaths

    def run(self) -> dict[str, Any]:
        """Train in this process; the evaluation."""
        train(self.paths, StopRequest())
        return self.document("evaluation.json")

    def document(self, name: str) -> dict[str, Any]:
        return json.loads((self.paths.model / name).read_text())

    def archive(self, path: Path) -> Path:
        """The model as SageMaker packs it."""
        with tarfile.open(path, "w:gz") as tar:
            tar.add(self.paths.model, ".")
        return path


NewJob = Callable[..., JobFolder]


def in_batches(table: pa.Table, count: int = 3) -> dict[str, pa.Table]:
    """Rows dealt out to batches in turn."""
    return {f"batch{number}": table.take(list(range(number, table.num_rows, count))) for number in range(count)}


@dataclass(frozen=True)
class Sample:
    """A real table with its recipe."""

    recipe: dict[str, Any]
    table: pa.Table

    def with_training(self, **training: Any) -> dict[str, Any]:
        return {**self.recipe, "training": training}

    def of_patients(self) -> "Sample":
        """The sample with an entity for each row, by which it is known whatever becomes of its target."""
        patients = pa.array([f"patient {number}" for number in range(self.table.num_rows)])
        return Sample({**self.recipe, "entity": "patient"}, self.table.append_column("patient", patients))

    def wrecked(self) -> dict[str, pa.Table]:
        """The batches with nonsense for the targets of the held-out rows."""
        wrecked = {}
        for batch_id, table in self.batches.items():
            target = table.column("target").to_numpy().copy()
            target[held_out_rows(table, Recipe.model_validate(self.recipe))] = 1e6
            position = table.schema.get_field_index("target")
            wrecked[batch_id] = table.set_column(position, "target", pa.array(target))
        return wrecked

    @property
    def batches(self) -> dict[str, pa.Table]:
        return in_batches(self.table)


def lay_out(
    base: Path,
    recipe: dict[str, Any],
    batches: dict[str, pa.Table],
    champion: Path | None = None,
    own_fit: str | None = None,
) -> JobFolder:
    """A job's inputs: a recipe, batches by their id, a champion's archive and a team's own fit if there are such."""
    paths = TrainPaths(base)
    hyperparameters = {"model": recipe["model"], "run_id": "f00dcafe0123"}
    if champion is not None:
        hyperparameters |= {"champion_version": "3", "champion_package_arn": CHAMPION_ARN}
        paths.channel("champion").mkdir(parents=True)
        (paths.channel("champion") / "model.tar.gz").write_bytes(champion.read_bytes())
    for folder in (paths.config, paths.channel("recipe"), paths.channel("train") / LAKE_FOLDER):
        folder.mkdir(parents=True)
    (paths.config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (paths.channel("recipe") / "recipe.json").write_text(json.dumps(recipe))
    if own_fit is not None:
        (paths.channel("recipe") / "fit.py").write_text(own_fit)
    for batch_id, table in batches.items():
        pq.write_table(table, paths.channel("train") / LAKE_FOLDER / f"{batch_id}.parquet")
    return JobFolder(paths)
