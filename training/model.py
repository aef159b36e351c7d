"""What every algorithm's model can do, and a trained model as it lies in a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from comal.errors import PlatformError
from training.matrix import Matrix
from training.schema import ModelSchema


class Model(Protocol):
    """A fitted model."""

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Numbers of shape (rows,) for regression, else probabilities of shape (rows, classes)."""
        ...

    def save(self, directory: Path) -> None:
        """Write the model's own file; a text or UBJ format, never a pickle."""
        ...


@runtime_checkable
class Margined(Protocol):
    """A model of classes that says what its probabilities are computed from; a team's own need not."""

    def margins(self, matrix: Matrix) -> NDArray[np.float64]:
        """Shape (rows, classes); (rows, 1) for two classes: the log-odds of the second."""
        ...


@dataclass(frozen=True)
class TrainedModel:
    """A model with the schema that it was trained by."""

    schema: ModelSchema
    model: Model

    def save(self, directory: Path) -> None:
        """Write the model's file and schema.json."""
        self.model.save(directory)
        self.schema.save(directory)


def load_model(directory: Path) -> TrainedModel:
    """The model in a folder (an unpacked model.tar.gz), on one thread.

    Raises:
        PlatformError: A file is absent or does not fit this image.
    """
    from training.prepared_model import algorithms_schema, prepared

    schema = ModelSchema.load(directory)
    return TrainedModel(schema, prepared(_load_algorithms_model(directory, algorithms_schema(schema)), schema))


def _load_algorithms_model(directory: Path, schema: ModelSchema) -> Model:
    if schema.algorithm == "own":
        from training.own_fit import OwnModel

        return OwnModel.load(directory, schema)
    # Each algorithm is imported where it is used: a served linear model needs no XGBoost.
    if schema.algorithm == "xgboost":
        from training.algorithms.xgboost import XGBoostModel

        return XGBoostModel.load(directory, schema)
    if schema.algorithm == "lightgbm":
        from training.algorithms.lightgbm import LightGBMModel

        return LightGBMModel.load(directory, schema)
    from training.algorithms.linear import LinearModel

    return LinearModel.load(directory)


def absent_file(path: Path) -> PlatformError:
    """The error for a model folder without its model."""
    return PlatformError(
        f"{path} does not exist, so the model cannot be loaded.",
        next_step="Use a model.tar.gz that `python -m training train` made.",
    )
