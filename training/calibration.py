"""Probabilities that mean what they say: of rows with 0.8, eight in ten come true.

Platt's sigmoid (Probabilistic outputs for support vector machines, 1999), and for several classes one slope with a
shift for each class (after Guo et al., On Calibration of Modern Neural Networks, ICML 2017). It moves log-odds along a
line, so that contributions still add up.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

_LEAST_SLOPE = 0.05
# As much as one row says against moving at all: classes that a model tells apart without fail have no best slope.
_REST = 1.0


class Calibration(BaseModel):
    """What becomes of each class's margin, the log of its probability but for a sum that all share.

    Attributes:
        slope: Below 1 for a model that is too sure of itself.
        shifts: What is added for each class; 0 for the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slope: float
    shifts: tuple[float, ...]

    def probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float32]:
        """Calibrated probabilities of shape (rows, classes), from what a model's `margins` says."""
        moved: NDArray[np.float64] = self.slope * _of_classes(margins) + np.array(self.shifts)
        return np.exp(_log_softmax(moved)).astype(np.float32)

    def contributions(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        """Contributions and base (rows, outputs, features + 1) that add up to the calibrated log-odds or margins."""
        moved = found * self.slope
        moved[:, :, -1] += self.shifts[1] - self.shifts[0] if found.shape[1] == 1 else np.array(self.shifts)
        return moved


def learn_calibration(margins: NDArray[np.float64], target: NDArray[np.float64]) -> Calibration:
    """The calibration that these rows are likeliest under.

    Args:
        margins: Of rows that the model did not learn from, of shape (rows, classes), or (rows, 1) for two classes.
        target: Positions of their classes, of shape (rows,).
    """
    from scipy.optimize import minimize

    found = _of_classes(margins)
    actual = np.eye(found.shape[1])[target.astype(np.int64)]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, shifts = values[0], np.concatenate([[0.0], values[1:]])
        logs = _log_softmax(slope * found + shifts)
        away = values - rest
        slopes = np.exp(logs) - actual
        gradient = np.concatenate([[np.sum(slopes * found)], slopes.sum(axis=0)[1:]])
        return float(_REST / 2 * away @ away - np.sum(actual * logs)), gradient + _REST * away

    rest = np.concatenate([[1.0], np.zeros(found.shape[1] - 1)])
    bounds = [(_LEAST_SLOPE, None), *[(None, None)] * (found.shape[1] - 1)]
    best = minimize(loss, rest, jac=True, method="L-BFGS-B", bounds=bounds).x.tolist()
    return Calibration(slope=best[0], shifts=(0.0, *best[1:]))


def _of_classes(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """A margin for each class; two classes share one, which is the second's over the first's."""
    return np.pad(margins, ((0, 0), (1, 0))) if margins.shape[1] == 1 else margins


def _log_softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    below = values - values.max(axis=1, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=1, keepdims=True)))
