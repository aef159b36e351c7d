"""How high a Brownian bridge climbs on a grid: the law of the Kolmogorov-Smirnov distance at a histogram's edges.

Between the distribution functions of two samples of m and n rows, looked at where the pooled one is t, the gap times
√(mn/(m + n)) tends to a Brownian bridge B at t (https://doi.org/10.1214/aoms/1177730256). A histogram sees it at its
edges only, so the maximum over those is what the distance has to be judged by: Kolmogorov's own law, the maximum over
all t, would be too strict, by far where a column has few values. B on a grid is a Gaussian Markov chain, and the
probability that it leaves a band is a sum of one-dimensional integrals, done here by Gauss-Legendre quadrature.
"""

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Edges where leaving the band is e^-9 times (1 in 8,000) as likely as at the likeliest one say nothing.
_NEGLIGIBLE = 18.0
# Nodes of the quadrature; the most resolve steps of 1/100 of the band's half width.
_NODES = (32, 64, 128, 256)
_NODES_PER_STEP = 4.0

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def exceedance(height: float, grid: Floats) -> float:
    """P(max |B(t)| >= height over the grid); relative error below 1e-3, also far into the tail.

    Args:
        height: At least 0.
        grid: Ascending points between 0 and 1; those at 0 and 1 are ignored, as B is 0 there.
    """
    variance = grid * (1 - grid)
    if not (variance > 0).any() or height <= 0:
        return 1.0 if height <= 0 else 0.0
    grid = _telling(height, grid[variance > 0])
    before, density, left = 0.0, np.ones(1), 0.0
    nodes, weights = np.zeros(1), np.ones(1)
    for now in grid:
        mean = nodes * (1 - now) / (1 - before)
        spread = math.sqrt((now - before) * (1 - now) / (1 - before))
        mass = density * weights
        beyond = _erfc((height - mean) / (spread * math.sqrt(2))) + _erfc((height + mean) / (spread * math.sqrt(2)))
        left += float(mass @ beyond) / 2
        if before == 0.0:
            nodes, weights = _quadrature(height, grid)
        bells = np.exp(-0.5 * ((nodes[:, None] - mean[None, :]) / spread) ** 2)
        density = bells @ mass / (spread * math.sqrt(2 * math.pi))
        before = float(now)
    return min(left, 1.0)


def critical(probability: float, grid: Floats) -> float:
    """The height whose exceedance is `probability` (between 0 and 1), to 6 digits; 0 where the grid says nothing."""
    if not ((grid > 0) & (grid < 1)).any():
        return 0.0
    # Over all t, P(max |B| >= x) <= 2 exp(-2x²).
    low, high = 0.0, math.sqrt(math.log(2 / probability) / 2)
    goal = math.log(probability)
    low_gap, high_gap = -goal, math.log(max(exceedance(high, grid), 1e-300)) - goal
    while high - low > 1e-6 * high:
        # log P is nearly a parabola of the height: a straight line in its square finds the root in a few steps.
        share = low_gap / (low_gap - high_gap) if high_gap < 0 else 1.0
        middle = math.sqrt(low**2 + min(max(share, 1e-3), 1 - 1e-3) * (high**2 - low**2))
        gap = math.log(max(exceedance(middle, grid), 1e-300)) - goal
        if abs(gap) < 1e-6:
            return middle
        if gap > 0:
            low, low_gap, high_gap = middle, gap, high_gap / 2
        else:
            high, high_gap, low_gap = middle, gap, low_gap / 2
    return high


def _telling(height: float, grid: Floats) -> Floats:
    """Points that matter, no two closer than the quadrature resolves."""
    unlikelihood = height**2 / (grid * (1 - grid))
    kept: list[float] = []
    closest = (_NODES_PER_STEP * height / _NODES[-1]) ** 2
    for point in grid[unlikelihood < unlikelihood.min() + _NEGLIGIBLE]:
        if not kept or _step(kept[-1], float(point)) > closest:
            kept.append(float(point))
    return np.asarray(kept)


def _step(before: float, now: float) -> float:
    """Variance of B(now) when B(before) is known."""
    return (now - before) * (1 - now) / (1 - before)


@functools.lru_cache
def _legendre(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights


def _quadrature(height: float, grid: Floats) -> tuple[Floats, Floats]:
    steps = [_step(before, now) for before, now in itertools.pairwise(grid)]
    finest = math.sqrt(min([*steps, float((grid * (1 - grid)).min())]))
    wanted = _NODES_PER_STEP * height / finest
    count = next((count for count in _NODES if count >= wanted), _NODES[-1])
    nodes, weights = _legendre(count)
    return nodes * height, weights * height
