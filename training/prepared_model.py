"""A model behind its preparation: it is asked like any other."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.calibrated_model import CalibratedModel
from training.explain import Explained, by_feature
from training.matrix import Matrix
from training.model import Margined, Model
from training.preparation import Preparation, PreparedColumn
from training.schema import FeatureColumn, ModelSchema


class PreparedModel:
    """An algorithm's model that reads prepared columns."""

    def __init__(self, inner: Model, preparation: Preparation) -> None:
        self.inner = inner
        self.preparation = preparation

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Numbers of shape (rows,) for regression, else probabilities of shape (rows, classes)."""
        return self.preparation.prediction(self.inner.predict(self.preparation.matrix(matrix)))

    def margins(self, matrix: Matrix) -> NDArray[np.float64]:
        """Those of the inner model."""
        assert isinstance(self.inner, Margined)  # a team's own model has no preparation
        return self.inner.margins(self.preparation.matrix(matrix))

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """Those of the inner model's columns, added up by feature; of what it learnt, before that is turned back."""
        assert isinstance(self.inner, Explained)  # a team's own model has no preparation
        found = self.inner.contributions(self.preparation.matrix(matrix))
        return by_feature(found, list(self.preparation.sources), matrix.shape[1])

    def save(self, directory: Path) -> None:
        """Write the inner model's file; the preparation is in schema.json."""
        self.inner.save(directory)


def prepared(inner: Model, schema: ModelSchema) -> Model:
    """The model behind its schema's preparation and calibration, or as it is where there is none."""
    model = inner if schema.preparation is None else PreparedModel(inner, schema.preparation)
    return model if schema.calibration is None else CalibratedModel(model, schema.calibration)


def algorithms_schema(schema: ModelSchema) -> ModelSchema:
    """What the algorithm behind the preparation expects."""
    if schema.preparation is None:
        return schema.model_copy(update={"calibration": None})
    columns = tuple(_column(column, schema) for column in schema.preparation.columns)
    return schema.model_copy(update={"features": columns, "preparation": None, "calibration": None})


def _column(column: PreparedColumn, schema: ModelSchema) -> FeatureColumn:
    if column.kind == "as_is":
        return schema.features[column.source]
    return FeatureColumn(name=column.name, type="boolean" if column.kind in {"is", "missing"} else "number")
