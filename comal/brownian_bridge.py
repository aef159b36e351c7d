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

# Below this a probability counts as this, as it has a logarithm.
_LEAST = 1e-300

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def exceedance(height: float, grid: Floats) -> float:
    """P(max |B(t)| >= height over the grid); relative error below 1e-3, also far into the tail.

    Of points closer together than a 64th of `height` (a standard deviation of the step) the others are left out.

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
        # It leaves upwards as often as downwards, each with half of erfc.
        left += float(mass @ _erfc((height - mean) / (spread * math.sqrt(2))))
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
    goal = math.log(probability)

    def excess(square: float) -> float:
        return math.log(max(exceedance(math.sqrt(square), grid), _LEAST)) - goal

    # Over all t, P(max |B| >= x) <= 2 exp(-2x²): the square sought is below this, and log P falls by 2 or more a unit.
    low, high = 0.0, math.log(2 / probability) / 2
    last, last_excess = high, excess(high)
    guess = last + last_excess / 2
    while high - low > 1e-6 * high:
        if not low < guess < high:
            guess = (low + high) / 2
        found = excess(guess)
        if abs(found) < 1e-6:
            return math.sqrt(guess)
        low, high = (guess, high) if found > 0 else (low, guess)
        # log P is nearly straight in the square: the line through the last two points leads on, where it falls.
        slope = (found - last_excess) / (guess - last)
        last, last_excess = guess, found
        guess = guess - found / slope if slope < 0 else low
    return math.sqrt(high)


def _telling(height: float, grid: Floats) -> Floats:
    """Points that matter, the likeliest among them, no two closer than the quadrature resolves."""
    unlikelihood = height**2 / (grid * (1 - grid))
    grid = grid[unlikelihood < unlikelihood.min() + _NEGLIGIBLE]
    likeliest = int(np.abs(grid - 0.5).argmin())
    closest = (_NODES_PER_STEP * height / _NODES[-1]) ** 2
    later, earlier = [float(grid[likeliest])], [float(grid[likeliest])]
    for point in grid[likeliest + 1 :]:
        if _step(later[-1], float(point)) > closest:
            later.append(float(point))
    for point in grid[:likeliest][::-1]:
        if _step(float(point), earlier[-1]) > closest:
            earlier.append(float(point))
    return np.asarray([*reversed(earlier[1:]), *later])


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
