"""How far some rows lie from the rows that a model was trained on.

Validation warns by the distance alone and never quarantines for it; drift_score says how certain a distance is.

Numbers: Kolmogorov-Smirnov distance, the largest gap between the two distribution functions at the reference's bin
edges (https://doi.org/10.1080/01621459.1951.10500769). Categories and booleans: total variation distance, half the sum
of the differences of the shares. Both lie between 0 (alike) and 1 (nothing in common).
"""

from dataclasses import dataclass

import numpy as np

from comal.errors import DataError
from comal.profile import BooleanProfile, CategoryProfile, ColumnProfile, NumberProfile, Profile

KS = "KS"
TOTAL_VARIATION = "total variation"
MISSING_SHARE = "missing share"


@dataclass(frozen=True)
class Drift:
    """Distance of one column, between 0 and 1; `measure` is one of the three below."""

    column: str
    measure: str
    distance: float


def drift_of(batch: Profile, reference: Profile) -> list[Drift]:
    """Distance of every column that both profiles have values of, in the reference's order.

    Raises:
        DataError: A histogram of the batch was not made with the reference's edges.
    """
    drifts = []
    for name, expected in reference.columns.items():
        found = batch.columns.get(name)
        if found is not None and found.count and expected.count and found.kind == expected.kind:
            drifts.append(_drift(name, found, expected))
    return drifts


def missing_drift_of(batch: Profile, reference: Profile) -> list[Drift]:
    """Difference of the shares of missing values, of every column that both profiles have rows of."""
    return [
        Drift(name, MISSING_SHARE, abs(batch.columns[name].missing_share - expected.missing_share))
        for name, expected in reference.columns.items()
        if name in batch.columns and batch.rows and reference.rows
    ]


def warnings_of(drifts: list[Drift], warn_drift: float) -> list[str]:
    """A sentence for each column whose distance is at least `warn_drift`, the farthest first."""
    far = sorted((drift for drift in drifts if drift.distance >= warn_drift), key=lambda drift: -drift.distance)
    return [
        f"column '{drift.column}' drifted: {drift.measure} distance {drift.distance:.2f} "
        f"to the rows the champion was trained on (warns from {warn_drift:g})"
        for drift in far
    ]


def _drift(name: str, found: ColumnProfile, expected: ColumnProfile) -> Drift:
    if isinstance(found, NumberProfile) and isinstance(expected, NumberProfile):
        return Drift(name, KS, _kolmogorov_smirnov(name, found, expected))
    if isinstance(found, BooleanProfile) and isinstance(expected, BooleanProfile):
        return Drift(name, TOTAL_VARIATION, abs(found.true / found.count - expected.true / expected.count))
    assert isinstance(found, CategoryProfile)  # the kinds are equal, and the third is left
    assert isinstance(expected, CategoryProfile)
    return Drift(name, TOTAL_VARIATION, _total_variation(found, expected))


def _kolmogorov_smirnov(name: str, found: NumberProfile, expected: NumberProfile) -> float:
    if found.edges != expected.edges:
        raise DataError(
            f"The histograms of '{name}' have different edges.",
            next_step="Profile the batch with the reference given to the profiler.",
        )
    gaps = np.cumsum(found.bins) / found.count - np.cumsum(expected.bins) / expected.count
    return float(np.abs(gaps).max())


def _total_variation(found: CategoryProfile, expected: CategoryProfile) -> float:
    gap = abs(found.other / found.count - expected.other / expected.count)
    for value in {*found.values, *expected.values}:
        gap += abs(found.values.get(value, 0) / found.count - expected.values.get(value, 0) / expected.count)
    return gap / 2
