"""A study of one model of a stack: its rows, an idea fitted to them, and the champion to compare with."""

import re
import secrets
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from comal import s3_layout
from comal.cli.batches import validated_rows
from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.target import LOCAL_STACK, open_target
from comal.cli.tracking_page import tracking_uri
from comal.cli.tracking_server import refuse_stranger
from comal.cli.versions import champion_of, versions_of
from comal.errors import UserError
from comal.own_fit import FILE_NAME as OWN_FIT_FILE
from comal.own_fit import file_and_function
from comal.recipe import Recipe
from comal.run_record import REPORT_NAME, RunRecord
from comal.tracking import tracking_environment
from comal.training_window import count_batches, keys_in_window
from research.fitted import Fitted
from training.artifacts import RECIPE_FILE
from training.champion import load_champion, unseen_by
from training.channels import Champion, Hyperparameters
from training.dataset import find_batches
from training.evaluate import HeldOut, Predictions, predict, predict_champion
from training.gain import gain_of
from training.matrix import Matrix
from training.model import TrainedModel, load_model
from training.paths import TrainPaths
from training.rows import Rows, read_rows
from training.schema import schema_of
from training.stop import StopRequest
from training.train import train

# Columns of a study's frames beside those of the batches.
BATCH, HELD_OUT = "batch", "held_out"
# Folders of a study: files of the stack's buckets by their keys, and its runs.
FETCHED, RUNS = "fetched", "runs"


class Study:
    """Reads what a training run of the model would read now, and does what it would do, in this process.

    Args:
        model: Name of the model.
        stack: The stack; `local` is the local cloud's.
        folder: Where files of the lake and runs are kept; below .comal/ of the clone by default.
    """

    def __init__(self, model: str, stack: str = LOCAL_STACK, folder: Path | None = None) -> None:
        self._target = open_target(stack)
        require_model(self._target, model)
        self._model = model
        self._folder = folder or self._target.repository.state_dir / "research" / stack / model
        self._deployed = deployed_recipe(self._target, model)

    @property
    def recipe(self) -> Recipe:
        """The deployed recipe, with the windows of its feature groups among the features."""
        return self._deployed.with_windows()

    def idea(self, **training: Any) -> Recipe:
        """The recipe with other values in its section `training`.

        Raises:
            pydantic.ValidationError: A key or value that no recipe has.
        """
        values = self.recipe.model_dump()
        return Recipe.model_validate({**values, "training": {**values["training"], **training}})

    def frame(self) -> pd.DataFrame:
        """The rows of a run, typed, with `batch` and `held_out`: on those no version is ever trained."""
        rows = self._rows
        tables = [
            pq.read_table(batch.path).append_column(BATCH, pa.array([batch.batch_id] * batch.rows))
            for batch in rows.batches
        ]
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
        return frame.assign(**{HELD_OUT: rows.held_out})

    def fit(self, recipe: Recipe, name: str = "idea") -> Fitted:
        """Run a training job of the recipe in this process: the container's own, a search included.

        What it leaves lies in a folder of the run below the study's: the model, run.json and report.html. A stack with
        the component `experiments` has it in its MLflow, too.

        Args:
            recipe: Such as `idea` makes.
            name: What a comparison calls the model; the run's id begins with it.

        Raises:
            ComalError: A parameter or the rows do not fit.
        """
        run_id = f"{_slug(name)}-{secrets.token_hex(3)}"
        paths = TrainPaths(self._folder / RUNS / run_id)
        self._lay_out(paths, recipe, run_id)
        train(paths, StopRequest(), tracking_environment(self._target.names.of_model(self._model), self._tracking_uri))
        trained = load_model(paths.model)
        fitted = Recipe.model_validate_json((paths.model / RECIPE_FILE).read_bytes())
        matrix = read_rows(self._rows.batches, fitted).matrix
        return Fitted(name, fitted, trained, self._predict(trained, matrix), paths.model / REPORT_NAME)

    def runs(self) -> pd.DataFrame:
        """The study's runs that came to an end, a row each in the order of their start: parameters and metrics."""
        found = [
            RunRecord.model_validate_json(path.read_bytes()) for path in self._folder.glob(f"{RUNS}/*/model/run.json")
        ]
        rows = [
            {"run": one.run_id, "algorithm": one.algorithm, **one.parameters, **one.metrics}
            for one in sorted(found, key=lambda one: one.started)
        ]
        return pd.DataFrame(rows)

    def champion(self) -> Fitted:
        """The version that is served, on the same held-out rows.

        Raises:
            UserError: No version is approved yet.
        """
        champion = self._served()
        if champion is None:
            raise UserError(
                f"{self._model} has no approved version.", next_step=f"Run: comal retrain {self._model} --reason first"
            )
        folder = self._folder / f"version{champion.version}"
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier call unpacked, or a call that was broken off
        trained = load_champion(champion, folder)
        rows = self._rows
        # By the study's own schema: the champion reads its features itself where they are others.
        schema = schema_of(self.recipe, rows.training_classes())
        held_out = HeldOut(rows.batches, rows.held_out, schema, rows.matrix[rows.held_out], rows.target)
        return Fitted(f"version {champion.version}", self.recipe, trained, predict_champion(champion, held_out))

    def compare(self, challenger: Fitted, champion: Fitted) -> pd.DataFrame:
        """Metrics of both, a row each, and the challenger's gain by the gate's metric with its interval."""
        table = pd.DataFrame([one.metrics for one in (champion, challenger)], index=[champion.name, challenger.name])
        gain = gain_of(challenger.held_out, champion.held_out, challenger.recipe)
        if gain is not None:
            for name in ("value", "low", "high"):
                table.loc[challenger.name, f"gain {name}".replace("gain value", "gain")] = getattr(gain, name)
        return table

    def _served(self) -> Champion | None:
        """The artifact of the version that is served; None where none is approved yet."""
        row = champion_of(versions_of(self._target, self._model))
        if row is None:
            return None
        package = self._target.client("sagemaker").describe_model_package(ModelPackageName=row["model_package_arn"])
        uri = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        archive = self._fetch(*s3_layout.split_uri(uri))
        return Champion(version=int(row["version"]), package_arn=row["model_package_arn"], archive=archive)

    @cached_property
    def _rows(self) -> Rows:
        """What a run reads and splits; without the rows that the champion was trained on, as there."""
        validated = validated_rows(self._target, self._model)
        keys = keys_in_window(validated, self._deployed)
        if not keys:
            counts = count_batches(validated, self._deployed)
            todo = f"status {self._model}" if counts.waiting else f"push {self._model} FILE.csv"
            raise UserError(
                f"{self._model} cannot be trained yet: {counts.lack}.",
                next_step=f"Run: comal {todo}{self._target.option}",
            )
        wanted = {self._fetch(self._target.names.bucket("lake"), key) for key in keys}
        batches = [batch for batch in find_batches(self._folder / FETCHED) if batch.path in wanted]
        rows, champion = read_rows(batches, self.recipe), self._served()
        return rows if champion is None else unseen_by(champion, rows)

    @cached_property
    def _tracking_uri(self) -> str:
        if self._target.stack == LOCAL_STACK:
            refuse_stranger(self._target.repository)
        return tracking_uri(self._target)

    def _predict(self, trained: TrainedModel, matrix: Matrix) -> Predictions:
        rows = self._rows
        held_out = HeldOut(rows.batches, rows.held_out, trained.schema, matrix[rows.held_out], rows.target)
        return predict(trained, held_out.matrix, held_out)

    def _lay_out(self, paths: TrainPaths, recipe: Recipe, run_id: str) -> None:
        """What SageMaker would lay out for the job; rows are linked to where they lie."""
        channel = paths.channel("recipe")
        for folder in (paths.config, channel):
            folder.mkdir(parents=True)
        job = Hyperparameters(model=self._model, run_id=run_id)
        (paths.config / "hyperparameters.json").write_text(job.model_dump_json(exclude_defaults=True))
        (channel / RECIPE_FILE).write_text(recipe.model_dump_json())
        if recipe.training.fit:
            source, _ = file_and_function(recipe.training.fit)
            shutil.copy(self._target.repository.root / source, channel / OWN_FIT_FILE)
        for batch in self._rows.batches:
            link = paths.channel("train") / batch.key
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(batch.path.resolve())

    def _fetch(self, bucket: str, key: str) -> Path:
        """A file of a bucket, fetched once: what lies below these keys is never written again."""
        path = self._folder / FETCHED / key
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            begun = path.with_suffix(".begun")
            self._target.client("s3").download_file(bucket, key, str(begun))
            begun.replace(path)
        return path


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "run"
