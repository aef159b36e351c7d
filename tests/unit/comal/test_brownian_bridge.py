import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from comal.brownian_bridge import critical, exceedance

grids = st.lists(st.floats(1e-4, 1 - 1e-4), min_size=1, max_size=20, unique=True).map(
    lambda points: np.array(sorted(points))
)


@pytest.mark.parametrize("height", [0.2, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("point", [0.001, 0.1, 0.5, 0.97])
def test_at_one_point_it_is_a_normal_variable(height: float, point: float) -> None:
    deviations = height / math.sqrt(point * (1 - point))
    assert exceedance(height, np.array([point])) == pytest.approx(2 * stats.norm.sf(deviations), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("height", [0.9, 1.36, 1.63, 2.2])
def test_on_a_finer_and_finer_grid_it_nears_kolmogorovs_law(height: float) -> None:
    """From below, and the gap halves where the grid has four times the points."""
    law = stats.kstwobign.sf(height)
    gaps = [law - exceedance(height, np.arange(1, points) / points) for points in (160, 640)]
    assert gaps[0] > gaps[1] > 0
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(
    "grid", [[0.3, 0.7], [0.5, 0.502], [0.01, 0.02, 0.6, 0.95], list(np.arange(1, 50) / 50)], ids=len
)
def test_it_is_how_often_simulated_bridges_leave_the_band(grid: list[float]) -> None:
    rng = np.random.default_rng(1)
    points = np.array([0.0, *grid, 1.0])
    walks = np.cumsum(rng.normal(size=(200_000, len(points) - 1)) * np.sqrt(np.diff(points)), axis=1)
    highest = np.abs(walks[:, :-1] - points[1:-1] * walks[:, -1:]).max(axis=1)
    for height in np.quantile(highest, [0.5, 0.95, 0.99]):
        simulated = float((highest >= height).mean())
        assert exceedance(float(height), points) == pytest.approx(simulated, rel=4 / math.sqrt(200_000 * simulated))


@settings(max_examples=60, deadline=None)
@given(grid=grids, probability=st.sampled_from([0.5, 0.05, 1e-3, 1e-9, 1e-30]))
def test_the_critical_height_has_the_probability(grid: np.ndarray, probability: float) -> None:
    height = critical(probability, grid)
    assert exceedance(height, grid) == pytest.approx(probability, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(grid=grids, height=st.floats(0.05, 3.0))
@example(grid=np.array([0.41992188, 0.42085611]), height=2.0)
def test_a_higher_band_is_left_less_often_and_never_beyond_the_bounds(grid: np.ndarray, height: float) -> None:
    lower, higher = exceedance(height, grid), exceedance(height * 1.1, grid)
    assert 0 <= higher <= lower <= 1
    likeliest = 2 * stats.norm.sf(height / np.sqrt(grid * (1 - grid))).max()
    assert likeliest * 0.999 - 1e-300 <= lower <= 2 * math.exp(-2 * height**2) * 1.001


@pytest.mark.parametrize("grid", [[], [0.0, 1.0]])
def test_a_grid_without_points_inside_says_nothing(grid: list[float]) -> None:
    assert exceedance(0.1, np.array(grid)) == 0
    assert critical(0.05, np.array(grid)) == 0
