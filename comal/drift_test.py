"""How certain a column's distance is: a two-sample test for each measure, of counts as profiles hold them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comal import brownian_bridge, chi_square
from comal.drift import MISSING_SHARE, Drift
from comal.profile import BooleanProfile, CategoryProfile, NumberProfile, Profile
from comal.two_shares import compare_shares

Floats = NDArray[np.float64]

# Values of which the smaller sample should hold fewer are tested as one (https://doi.org/10.2307/3001616).
_FEW = 5.0


@dataclass(frozen=True)
class Significance:
    """A test's result; the distance is at least `critical_distance` exactly where `p_value` is at most alpha."""

    p_value: float
    critical_distance: float


def is_testable(drift: Drift, window: Profile, reference: Profile) -> bool:
    """Whether any outcome could have been a difference: not where both sides hold one value only, and the same.

    Such a column takes no part in the correction (Tarone, https://doi.org/10.2307/2531456).
    """
    found, expected = window.columns[drift.column], reference.columns[drift.column]
    if drift.measure == MISSING_SHARE:
        return found.missing + expected.missing > 0 and found.missing_share + expected.missing_share < 2
    return bool(np.count_nonzero(_counts(drift.column, window, reference).sum(axis=0)) > 1)


def significance(drift: Drift, window: Profile, reference: Profile, alpha: float) -> Significance:
    """Test a column at level `alpha`; see is_testable."""
    found, expected = window.columns[drift.column], reference.columns[drift.column]
    if drift.measure == MISSING_SHARE:
        shares = found.missing, found.count + found.missing, expected.missing, expected.count + expected.missing
        return Significance(*compare_shares(*shares, alpha))
    if isinstance(found, BooleanProfile) and isinstance(expected, BooleanProfile):
        return Significance(*compare_shares(found.true, found.count, expected.true, expected.count, alpha))
    counts = _counts(drift.column, window, reference)
    if isinstance(found, NumberProfile):
        return _kolmogorov_smirnov(drift.distance, counts, alpha)
    return _chi_square(drift.distance, counts, alpha)


def _counts(column: str, window: Profile, reference: Profile) -> Floats:
    """Rows of each value or bin; shape (2, values), the window first."""
    found, expected = window.columns[column], reference.columns[column]
    if isinstance(found, NumberProfile) and isinstance(expected, NumberProfile):
        return np.array([found.bins, expected.bins], dtype=np.float64)
    if isinstance(found, BooleanProfile) and isinstance(expected, BooleanProfile):
        pairs = [(found.count - found.true, found.true), (expected.count - expected.true, expected.true)]
        return np.array(pairs, dtype=np.float64)
    assert isinstance(found, CategoryProfile)  # the kinds are equal, and the third is left
    assert isinstance(expected, CategoryProfile)
    values = sorted({*found.values, *expected.values})
    rows = [[*(side.values.get(value, 0) for value in values), side.other] for side in (found, expected)]
    return np.array(rows, dtype=np.float64)


def _effective_rows(counts: Floats) -> float:
    """mn/(m + n), by which the variance of a difference of shares is divided, corrected for a finite pool."""
    window, reference = counts.sum(axis=1)
    rows = window + reference
    return float(window * reference / rows * (rows - 1) / rows)


def _kolmogorov_smirnov(distance: float, counts: Floats, alpha: float) -> Significance:
    pooled = counts.sum(axis=0)
    grid = np.cumsum(pooled)[:-1] / pooled.sum()
    scale = math.sqrt(_effective_rows(counts))
    p_value = brownian_bridge.exceedance(distance * scale, grid)
    return Significance(p_value, brownian_bridge.critical(alpha, grid) / scale)


def _chi_square(distance: float, counts: Floats, alpha: float) -> Significance:
    """Pearson's test of homogeneity with N - 1 for N (https://doi.org/10.1002/sim.2832).

    Its statistic grows with the square of the difference, so a difference that is stretched by √(critical / statistic)
    is just significant.
    """
    cells = _without_rare(counts)
    pooled = cells.sum(axis=0) / cells.sum()
    rows = _effective_rows(counts)
    gaps = cells[0] / cells[0].sum() - cells[1] / cells[1].sum()
    degrees = max(cells.shape[1] - 1, 1)
    wanted = chi_square.critical(alpha, degrees)
    statistic = float(rows * (gaps**2 / pooled).sum())
    if statistic <= 0 or distance <= 0:
        # No difference to stretch: by Cauchy-Schwarz any that is larger than this is significant.
        return Significance(1.0, math.sqrt(wanted / rows) / 2)
    return Significance(chi_square.survival(statistic, degrees), distance * math.sqrt(wanted / statistic))


def _without_rare(counts: Floats) -> Floats:
    """The values that both samples should hold enough of, and one cell of all others; chosen by the pooled counts."""
    totals = counts.sum(axis=1)
    expected = counts.sum(axis=0) * totals.min() / totals.sum()
    rare = expected < _FEW
    rest = counts[:, rare].sum(axis=1, keepdims=True)
    kept = counts[:, ~rare]
    return np.concatenate((kept, rest), axis=1) if rest.any() else kept
