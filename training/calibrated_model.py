"""A model behind its calibration."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.calibration import Calibration
from training.explain import Explained
from training.matrix import Matrix
from training.model import Margined, Model


class CalibratedModel:
    """A model whose probabilities are calibrated; it is asked like any other."""

    def __init__(self, inner: Model, calibration: Calibration) -> None:
        assert isinstance(inner, Margined)  # a team's own model is not calibrated
        self.inner = inner
        self.calibration = calibration
        self._margins = inner.margins

    def predict(self, matrix: Matrix) -> NDArray[np.float32]:
        """Probabilities of shape (rows, classes)."""
        return self.calibration.probabilities(self._margins(matrix))

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """Those of the model, moved with its log-odds."""
        assert isinstance(self.inner, Explained)  # a team's own model is not calibrated
        return self.calibration.contributions(self.inner.contributions(matrix))

    def save(self, directory: Path) -> None:
        """Write the model's own file; the calibration is in schema.json."""
        self.inner.save(directory)
