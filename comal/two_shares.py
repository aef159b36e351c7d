"""Whether two samples hold the same share of something: the exact test, of booleans and of missing values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SharesTest(NamedTuple):
    """What the test found.

    Attributes:
        p_value: Twice the smaller tail, the observed count itself taken half (mid-p).
        critical_distance: Smallest difference of the shares, in the observed direction, with a p-value of at most
            alpha; just above the largest possible one where none has.
    """

    p_value: float
    critical_distance: float


def compare_shares(found: int, rows: int, expected: int, expected_rows: int, alpha: float) -> SharesTest:
    """Compare `found` of `rows` with `expected` of `expected_rows`; both numbers of rows are at least 1.

    Given their total, the count of a sample of exchangeable rows is hypergeometric, whatever the share (Fisher's exact
    test). The mid-p value undoes its caution: it is right on average over the totals, where Fisher's own is too rarely
    below alpha (Lancaster, https://doi.org/10.1080/01621459.1961.10482105).
    """
    total = found + expected
    least, most = max(0, total - expected_rows), min(rows, total)
    probabilities = _probabilities(least, most, rows, expected_rows, total)
    counts = np.arange(least, most + 1)
    gaps = counts / rows - (total - counts) / expected_rows
    mine = found - least
    upward = gaps[mine] >= 0
    tail = probabilities if upward else probabilities[::-1]
    sizes = gaps if upward else -gaps[::-1]
    position = mine if upward else len(tail) - 1 - mine
    p_values = np.minimum(1.0, 2 * _upper(tail))
    significant = np.flatnonzero((p_values <= alpha) & (sizes > 0))
    step = 1 / rows + 1 / expected_rows
    critical = float(sizes[significant[0]]) if len(significant) else float(sizes[-1]) + step
    # Two ways to compute one distance differ in the last digits, which must not decide.
    return SharesTest(float(p_values[position]), critical * (1 - 1e-12))


def _probabilities(least: int, most: int, rows: int, expected_rows: int, total: int) -> NDArray[np.float64]:
    """Probability of each count from `least` to `most`."""
    counts = np.arange(least, most, dtype=np.float64)
    # P(c + 1) / P(c), so that no factorial is needed.
    ratios = (total - counts) * (rows - counts) / ((counts + 1) * (expected_rows - total + counts + 1))
    logs = np.concatenate(([0.0], np.cumsum(np.log(ratios))))
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _upper(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(more) + P(as many) / 2 of each position."""
    return np.asarray(np.cumsum(probabilities[::-1])[::-1] - probabilities / 2)
