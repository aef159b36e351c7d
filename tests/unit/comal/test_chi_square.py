import math

import pytest
from scipy import stats

from comal.chi_square import critical, survival


@pytest.mark.parametrize("degrees", [1, 2, 3, 6, 7, 50, 999])
@pytest.mark.parametrize("multiple", [0.0, 0.01, 0.5, 1.0, 2.0, 5.0, 40.0])
def test_the_survival_is_scipys(degrees: int, multiple: float) -> None:
    statistic = multiple * degrees
    expected = stats.chi2.sf(statistic, degrees)
    assert survival(statistic, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("degrees", [1, 2, 7, 200])
@pytest.mark.parametrize("p_value", [0.9, 0.05, 1e-4, 1e-12])
def test_the_critical_value_is_scipys(degrees: int, p_value: float) -> None:
    assert critical(p_value, degrees) == pytest.approx(stats.chi2.isf(p_value, degrees), rel=1e-9)


def test_one_degree_is_a_squared_normal() -> None:
    assert survival(1.96**2, 1) == pytest.approx(math.erfc(1.96 / math.sqrt(2)), rel=1e-12)
