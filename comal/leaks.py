"""Columns that tell the answer: exact combinations of columns, and single columns that come too close.

Correlation alone misses parts of a sum (bikes: casual + registered = cnt, yet casual correlates with r = 0.70 only), so
the target is regressed on all columns at once; an exact fit is then stripped down to the columns that it needs.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

# Of the target's standard deviation: far above rounding in float64, far below what any real relation reaches.
_EXACT = 1e-7
# With fewer rows for each column an exact fit may be mere chance.
_ROWS_PER_COLUMN = 10
_MIN_ROWS = 30
_MAX_COLUMNS = 200
NEARLY_PERFECT = 0.98
_MAX_LEVELS = 100


def exact_combination(columns: Mapping[str, Column], target: Column) -> list[str]:
    """The smallest set of columns found of which the target is an exact linear combination; empty if there is none.

    Args:
        columns: Values of each column, NaN where missing; all of shape (rows,).
        target: Shape (rows,).
    """
    names = [name for name, values in columns.items() if np.isfinite(values).mean() > 0.8][:_MAX_COLUMNS]
    if not names:
        return []
    matrix = np.column_stack([columns[name] for name in names])
    known = np.isfinite(matrix).all(axis=1) & np.isfinite(target)
    matrix, wanted = matrix[known], target[known]
    if len(wanted) < max(_MIN_ROWS, _ROWS_PER_COLUMN * (len(names) + 1)):
        return []
    matrix, wanted = _standardised(matrix), _standardised(wanted)
    varies = np.abs(matrix).max(axis=0) > 0
    if not np.abs(wanted).max() > 0 or not varies.any():
        return []
    # All that least squares needs is in the small triangular factor; the rows are read once.
    triangle = np.asarray(np.linalg.qr(np.column_stack([matrix, wanted]), mode="r"))
    left, right = triangle[:, :-1], triangle[:, -1]
    chosen = [int(index) for index in np.flatnonzero(varies)]
    if not _fits(left[:, chosen], right):
        return []
    for index in list(chosen):
        rest = [other for other in chosen if other != index]
        if rest and _fits(left[:, rest], right):
            chosen = rest
    return [names[index] for index in chosen]


def share_explained(values: Column, target: Column) -> float:
    """How much of the target's variance one column explains, between 0 and 1.

    The larger of the squared correlation and, for columns of few levels, the variance between the levels' means (eta²).
    """
    known = np.isfinite(values) & np.isfinite(target)
    values, target = values[known], target[known]
    if len(values) < _MIN_ROWS or values.min() == values.max() or target.min() == target.max():
        return 0.0
    target = _standardised(target)
    linear = float(np.mean(_standardised(values) * target) ** 2)
    levels, codes = np.unique(values, return_inverse=True)
    if len(levels) > min(_MAX_LEVELS, len(values) // _ROWS_PER_COLUMN):
        return linear
    rows = np.bincount(codes)
    means = np.bincount(codes, weights=target) / rows
    between = float(np.sum(rows * means**2) / len(target))
    return max(linear, between)


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean 0 and standard deviation 1; a constant column becomes 0."""
    # Brought to at most 1 first: squares of huge values would overflow.
    largest = np.abs(values).max(axis=0)
    small = values / np.where(largest > 0, largest, 1.0)
    centred = small - small.mean(axis=0)
    spread = centred.std(axis=0)
    scaled: NDArray[np.float64] = centred / np.where(spread > 0, spread, 1.0)
    return scaled


def _fits(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    solution, *_ = np.linalg.lstsq(left, right, rcond=1e-10)
    return bool(np.linalg.norm(left @ solution - right) <= _EXACT * np.linalg.norm(right))
