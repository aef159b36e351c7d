"""Probabilities that mean what they say: of rows with 0.8, eight in ten come true.

Platt's sigmoid (Probabilistic outputs for support vector machines, 1999), and for several classes one slope with a
shift for each class (after Guo et al., On Calibration of Modern Neural Networks, ICML 2017). It moves log-odds along a
line, so that contributions still add up.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

# Beyond this a float32 probability has no digits left to move.
_LEAST = 1e-7
_LEAST_SLOPE = 0.05
# As much as one row says against moving at all: classes that a model tells apart without fail have no best slope.
_REST = 1.0


class Calibration(BaseModel):
    """What becomes of the log of each probability; of two classes the shift of the second counts.

    Attributes:
        slope: Below 1 for a model that is too sure of itself.
        shifts: What is added for each class; 0 for the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slope: float
    shifts: tuple[float, ...]

    def probabilities(self, found: NDArray[Any]) -> NDArray[np.float32]:
        """Calibrated probabilities, of the same shape (rows, classes)."""
        return _softmax(self.slope * _logs(found) + np.array(self.shifts)).astype(np.float32)

    def contributions(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Contributions and base (rows, outputs, features + 1) that add up to the calibrated log-odds or margins."""
        moved = found * self.slope
        moved[:, :, -1] += self.shifts[1] - self.shifts[0] if found.shape[1] == 1 else np.array(self.shifts)
        return moved


def learn_calibration(found: NDArray[Any], target: NDArray[np.float64]) -> Calibration:
    """The calibration that these rows are likeliest under.

    Args:
        found: Probabilities of rows that the model did not learn from, of shape (rows, classes).
        target: Positions of their classes, of shape (rows,).
    """
    from scipy.optimize import minimize

    logs, actual = _logs(found), np.eye(found.shape[1])[target.astype(np.int64)]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, shifts = values[0], np.concatenate([[0.0], values[1:]])
        wanted = _softmax(slope * logs + shifts)
        likelihood = -np.sum(actual * np.log(np.maximum(wanted, _LEAST)))
        away = values - rest
        slopes = wanted - actual
        gradient = np.concatenate([[np.sum(slopes * logs)], slopes.sum(axis=0)[1:]])
        return float(likelihood + _REST / 2 * away @ away), gradient + _REST * away

    rest = np.concatenate([[1.0], np.zeros(found.shape[1] - 1)])
    bounds = [(_LEAST_SLOPE, None), *[(None, None)] * (found.shape[1] - 1)]
    best = minimize(loss, rest, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return Calibration(slope=best[0], shifts=(0.0, *best[1:]))


def _logs(found: NDArray[Any]) -> NDArray[np.float64]:
    return np.log(np.clip(found.astype(np.float64), _LEAST, 1.0))


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
