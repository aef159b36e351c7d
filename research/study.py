"""A study of one model of a stack: its rows, an idea fitted to them, and the champion to compare with."""

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from comal import s3_layout
from comal.cli.catalogue import deployed_recipe, require_model
from comal.cli.items import rows_of
from comal.cli.target import LOCAL_STACK, open_target
from comal.cli.versions import champion_of, versions_of
from comal.errors import UserError
from comal.recipe import Recipe
from comal.training_window import keys_in_window
from research.fitted import Fitted
from training.champion import load_champion
from training.channels import Champion
from training.dataset import find_batches
from training.evaluate import HeldOut, predict, predict_champion
from training.fit import fit
from training.gain import gain_of
from training.rows import Rows, read_rows
from training.stop import StopRequest

# Columns of a study's frames beside those of the batches.
BATCH, HELD_OUT = "batch", "held_out"


class Study:
    """Reads what a training run of the model would read now, and does what it would do, in this process.

    Args:
        model: Name of the model.
        stack: The stack; `local` is the local cloud's.
        folder: Where files of the lake are kept; below .comal/ of the clone by default.
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
        """Fit the training rows as the container does, and predict the held-out ones.

        Raises:
            ComalError: A parameter or the rows do not fit.
        """
        rows = read_rows(self._rows.batches, recipe)
        trained, _ = fit(rows, recipe, StopRequest(), self._own_fit(recipe))
        held_out = HeldOut(rows.batches, rows.held_out, trained.schema, rows.matrix[rows.held_out], rows.target)
        return Fitted(name, recipe, trained, predict(trained, held_out.matrix, held_out))

    def champion(self) -> Fitted:
        """The version that is served, on the same held-out rows.

        Raises:
            UserError: No version is approved yet.
        """
        row = champion_of(versions_of(self._target, self._model))
        if row is None:
            raise UserError(
                f"{self._model} has no approved version.", next_step=f"Run: comal retrain {self._model} --reason first"
            )
        version = int(row["version"])
        package = self._target.client("sagemaker").describe_model_package(ModelPackageName=row["model_package_arn"])
        uri = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        archive = self._fetch(*s3_layout.split_uri(uri))
        champion = Champion(version=version, package_arn=row["model_package_arn"], archive=archive)
        trained = load_champion(champion, self._folder / f"version{version}")
        rows = self._rows
        held_out = HeldOut(rows.batches, rows.held_out, trained.schema, rows.matrix[rows.held_out], rows.target)
        return Fitted(f"version {version}", self.recipe, trained, predict_champion(champion, held_out))

    def compare(self, challenger: Fitted, champion: Fitted) -> pd.DataFrame:
        """Metrics of both, a row each, and the challenger's gain by the gate's metric with its interval."""
        table = pd.DataFrame([one.metrics for one in (champion, challenger)], index=[champion.name, challenger.name])
        gain = gain_of(challenger.held_out, champion.held_out, challenger.recipe)
        if gain is not None:
            for name in ("value", "low", "high"):
                table.loc[challenger.name, f"gain {name}".replace("gain value", "gain")] = getattr(gain, name)
        return table

    @cached_property
    def _rows(self) -> Rows:
        keys = keys_in_window(
            (row for row in rows_of(self._target, "batches", self._model, "batch#") if row["status"] == "validated"),
            self._deployed,
        )
        if not keys:
            raise UserError(
                f"{self._model} has no validated batch.", next_step=f"Run: comal push {self._model} FILE.csv"
            )
        wanted = {self._fetch(self._target.names.bucket("lake"), key) for key in keys}
        batches = [batch for batch in find_batches(self._folder) if batch.path in wanted]
        return read_rows(batches, self.recipe)

    def _own_fit(self, recipe: Recipe) -> Path:
        path = recipe.training.fit.partition(":")[0] if recipe.training.fit else ""
        return self._target.repository.root / path

    def _fetch(self, bucket: str, key: str) -> Path:
        """A file of a bucket, fetched once: what lies below these keys is never written again."""
        path = self._folder / key
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            begun = path.with_suffix(".begun")
            self._target.client("s3").download_file(bucket, key, str(begun))
            begun.replace(path)
        return path
