import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from comal.two_shares import compare_shares


@pytest.mark.parametrize(
    ("found", "rows", "expected", "expected_rows"),
    [(12, 1000, 20, 4000), (0, 50, 30, 4000), (400, 1000, 1400, 4000), (3, 5, 1, 7), (20_000, 100_000, 210_000, 10**6)],
)
def test_the_p_value_is_twice_the_smaller_mid_tail(found: int, rows: int, expected: int, expected_rows: int) -> None:
    law = stats.hypergeom(rows + expected_rows, found + expected, rows)
    tails = law.sf(found) + law.pmf(found) / 2, law.cdf(found) - law.pmf(found) / 2
    test = compare_shares(found, rows, expected, expected_rows, 0.05)
    assert test.p_value == pytest.approx(2 * min(tails), rel=1e-6)


small = st.integers(1, 60)


@given(rows=small, expected_rows=small, data=st.data(), alpha=st.sampled_from([0.2, 0.05, 1e-3, 1e-9]))
def test_the_distance_is_critical_exactly_where_the_p_value_is_at_most_alpha(rows, expected_rows, data, alpha) -> None:
    found = data.draw(st.integers(0, rows))
    expected = data.draw(st.integers(0, expected_rows))
    test = compare_shares(found, rows, expected, expected_rows, alpha)
    distance = abs(found / rows - expected / expected_rows)
    assert 0 <= test.p_value <= 1
    assert test.critical_distance > 0
    assert (distance >= test.critical_distance) == (test.p_value <= alpha)


@given(rows=small, expected_rows=small, data=st.data())
def test_whatever_the_total_the_size_is_bounded(rows, expected_rows, data) -> None:
    """Of one total: at most twice alpha, as an outcome at the threshold counts half."""
    total = data.draw(st.integers(0, rows + expected_rows))
    law = stats.hypergeom(rows + expected_rows, total, rows)
    outcomes = range(max(0, total - expected_rows), min(rows, total) + 1)
    alpha = 0.05
    rejected = sum(
        law.pmf(found)
        for found in outcomes
        if compare_shares(found, rows, total - found, expected_rows, alpha).p_value <= alpha
    )
    assert rejected <= 2 * alpha + 1e-9
