"""What every algorithm's model can do, and a trained model as it lies in a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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
    schema = ModelSchema.load(directory)
    # Each algorithm is imported where it is used: a served linear model needs no XGBoost.
    if schema.algorithm == "xgboost":
        from training.algorithms.xgboost import XGBoostModel

        model: Model = XGBoostModel.load(directory, schema)
    elif schema.algorithm == "lightgbm":
        from training.algorithms.lightgbm import LightGBMModel

        model = LightGBMModel.load(directory, schema)
    else:
        from training.algorithms.linear import LinearModel

        model = LinearModel.load(directory)
    return TrainedModel(schema, model)


def absent_file(path: Path) -> PlatformError:
    """The error for a model folder without its model."""
    return PlatformError(
        f"{path} does not exist, so the model cannot be loaded.",
        next_step="Use a model.tar.gz that `python -m training train` made.",
    )
