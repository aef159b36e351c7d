import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from comal.drift import KS, MISSING_SHARE, TOTAL_VARIATION, drift_of
from comal.drift_score import ColumnScore, WindowScore, alpha_of_look, alpha_of_test, score_window
from comal.errors import DataError
from comal.profile import Profile
from comal.profiler import profile_of
from comal.recipe import Monitoring, Recipe

RECIPE = Recipe.model_validate(
    {
        "model": "tacos",
        "task": "binary",
        "target": "late",
        "features": {
            "km": {"type": "number"},
            "basket": {"type": "integer"},
            "store": {"type": "category", "values": ["a", "b", "c"]},
            "rain": {"type": "boolean"},
        },
    }
)
FEATURES = list(RECIPE.features)


def orders(
    rows: int, seed: int, *, km: float = 1.0, rain: float = 0.3, lost: float = 0.01, **stores: float
) -> pa.Table:
    rng = np.random.default_rng(seed)
    shares = stores or {"a": 0.5, "b": 0.3, "c": 0.2}
    return pa.table(
        {
            "km": pa.array(rng.gamma(2.0, km, rows), mask=rng.random(rows) < lost),
            "basket": 1 + rng.poisson(3.5, rows),
            "store": rng.choice(list(shares), rows, p=list(shares.values())).tolist(),
            "rain": rng.random(rows) < rain,
            "late": (rng.random(rows) < 0.1).astype(int).astype(str).tolist(),
        }
    )


def profiles(window: pa.Table, reference: pa.Table) -> tuple[Profile, Profile]:
    expected = profile_of(reference, RECIPE)
    return profile_of(window, RECIPE, expected), expected


def scored(window: pa.Table, reference: pa.Table, look: int = 1, **monitoring: Any) -> WindowScore:
    return score_window(*profiles(window, reference), Monitoring(**monitoring), look, FEATURES)


def test_of(result: WindowScore, column: str, measure: str) -> ColumnScore:
    return next(one for one in result.columns if (one.column, one.measure) == (column, measure))


test_of.__test__ = False  # type: ignore[attr-defined]


def test_rows_of_one_kind_score_below_the_threshold_and_every_test_is_told():
    result = scored(orders(1000, 1), orders(4000, 2))
    assert result.score == max(one.score for one in result.columns) < 1
    assert {(one.column, one.measure) for one in result.columns} == {
        ("km", KS),
        ("km", MISSING_SHARE),
        ("basket", KS),
        ("store", TOTAL_VARIATION),
        ("rain", TOTAL_VARIATION),
    }
    assert [one.score for one in result.columns] == sorted((one.score for one in result.columns), reverse=True)


@pytest.mark.parametrize(("change", "column", "measure"), [
    ({"km": 1.5}, "km", KS),
    ({"rain": 0.5}, "rain", TOTAL_VARIATION),
    ({"a": 0.2, "b": 0.6, "c": 0.2}, "store", TOTAL_VARIATION),
    ({"a": 0.4, "b": 0.2, "c": 0.2, "d": 0.2}, "store", TOTAL_VARIATION),
    ({"lost": 0.2}, "km", MISSING_SHARE),
])  # fmt: skip
def test_each_kind_of_drift_is_found_in_its_column(change, column, measure):
    result = scored(orders(1000, 1, **change), orders(4000, 2))
    assert result.score >= 1
    assert (result.columns[0].column, result.columns[0].measure) == (column, measure)
    assert all(one.score < 1 for one in result.columns if one.column != column)


def test_a_difference_that_is_certain_but_small_scores_below_the_threshold():
    window, reference = orders(20_000, 1, rain=0.35), orders(20_000, 2)
    rain = test_of(scored(window, reference), "rain", TOTAL_VARIATION)
    assert rain.p_value < 1e-9
    assert rain.score == pytest.approx(rain.distance / 0.1)
    assert test_of(scored(window, reference, min_effect=0), "rain", TOTAL_VARIATION).score > 1


def test_a_difference_that_is_large_but_uncertain_scores_below_the_threshold():
    rain = test_of(scored(orders(50, 3, rain=0.37), orders(4000, 2)), "rain", TOTAL_VARIATION)
    assert rain.distance >= 0.1
    assert rain.score == rain.distance / rain.critical_distance < 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("km", [1.0, 1.06, 1.1])
def test_a_test_scores_at_least_one_exactly_where_it_is_significant_and_large_enough(seed, km):
    for min_effect in (0.0, 0.05):
        result = scored(orders(1000, seed, km=km, rain=0.36), orders(4000, 99), 2, min_effect=min_effect)
        alpha = alpha_of_test(alpha_of_look(0.05, 2), len(result.columns))
        for one in result.columns:
            assert (one.score >= 1) == (one.p_value <= alpha and one.distance >= min_effect)
            assert (one.distance >= one.critical_distance) == (one.p_value <= alpha)


def test_p_values_of_continuous_and_discrete_numbers_are_near_the_exact_ones():
    """The exact law given the pooled bins: a walk over the edges by hypergeometric steps that must stay in a band."""
    for seed in range(4):
        window, reference = profiles(orders(200, seed, km=1.1), orders(300, seed + 50))
        result = score_window(window, reference, Monitoring(), 1, FEATURES)
        for name in ("km", "basket"):
            one = test_of(result, name, KS)
            found, expected = window.columns[name], reference.columns[name]
            exact = _exact_p_value(found.bins, expected.bins, one.distance)  # type: ignore[union-attr]
            assert one.p_value == pytest.approx(exact, rel=0.3)


def _exact_p_value(window: tuple[int, ...], reference: tuple[int, ...], distance: float) -> float:
    rows, expected_rows = sum(window), sum(reference)
    pooled = np.array(window) + np.array(reference)
    inside = {0: 1.0}
    before = 0
    for bin_rows in pooled[:-1]:
        after: dict[int, float] = {}
        for so_far, probability in inside.items():
            law = stats.hypergeom(rows + expected_rows - before, rows - so_far, bin_rows)
            steps = np.arange(max(0, bin_rows - (expected_rows - before + so_far)), min(bin_rows, rows - so_far) + 1)
            for step, chance in zip(steps, law.pmf(steps), strict=True):
                now = so_far + int(step)
                gap = now / rows - (before + bin_rows - now) / expected_rows
                if abs(gap) < distance - 1e-12:
                    after[now] = after.get(now, 0.0) + probability * chance
        inside, before = after, before + bin_rows
    return 1 - sum(inside.values())


def test_the_p_value_of_categories_is_pearsons():
    window, reference = orders(1000, 1, a=0.45, b=0.33, c=0.22), orders(4000, 2)
    counts = [[table.column("store").to_pylist().count(name) for name in "abc"] for table in (window, reference)]
    store = test_of(scored(window, reference), "store", TOTAL_VARIATION)
    assert store.p_value == pytest.approx(stats.chi2_contingency(counts, correction=False)[1], rel=0.01)


def test_rare_categories_are_tested_as_one():
    """A single row of an unheard-of store is not a thousandth of a thousandth likely."""
    many = {f"s{number}": 0.001 for number in range(200)}
    shares = {**many, "a": 0.8}
    rows = [orders(1000, 1, **shares), orders(4000, 2, **shares)]
    assert test_of(scored(*rows), "store", TOTAL_VARIATION).p_value > 0.001
    assert test_of(scored(*rows, min_effect=0), "store", TOTAL_VARIATION).score < 1


def test_the_looks_of_a_week_never_spend_more_than_the_rate():
    spent = math.fsum(alpha_of_look(0.05, look) for look in range(1, 100_000))
    assert 0.05 * (1 - 1e-9) < spent <= 0.05
    assert alpha_of_look(0.05, 1) > alpha_of_look(0.05, 2) > 0


@pytest.mark.parametrize("tests", [1, 5, 300])
def test_independent_tests_together_are_wrong_as_often_as_the_look_may_be(tests):
    assert 1 - (1 - alpha_of_test(0.04, tests)) ** tests == pytest.approx(0.04)
    assert 0.04 / tests <= alpha_of_test(0.04, tests) <= 0.0409 / tests


def test_a_later_look_asks_for_more():
    rows = orders(1000, 1), orders(4000, 2)
    first, tenth = (test_of(scored(*rows, look), "km", KS) for look in (1, 10))
    assert first.critical_distance < tenth.critical_distance
    assert first.score >= tenth.score
    assert first.p_value == tenth.p_value


def test_only_the_named_columns_are_judged():
    window, reference = profiles(orders(1000, 1, rain=0.9), orders(4000, 2))
    result = score_window(window, reference, Monitoring(), 1, ["km", "late"])
    assert {one.column for one in result.columns} == {"km", "late"}
    assert score_window(window, reference, Monitoring(), 1).score > 1


def test_a_column_that_can_differ_in_no_way_takes_no_share_of_the_rate():
    window, reference = orders(1000, 1, lost=0, rain=0), orders(4000, 2, lost=0, rain=0)
    result = scored(window, reference)
    assert {one.column for one in result.columns} == {"km", "basket", "store"}
    assert len(result.columns) == 3


@pytest.mark.parametrize("window", [orders(1000, 1).slice(0, 0), orders(1000, 1, lost=1.0), orders(1, 1)])
def test_windows_without_rows_or_values_are_scored_too(window):
    result = scored(window, orders(4000, 2))
    assert math.isfinite(result.score)
    assert all(math.isfinite(value) for one in result.columns for value in (one.distance, one.critical_distance))
    if window.num_rows == 0:
        assert result == WindowScore(0.0, ())


def test_a_window_with_nothing_in_common_has_a_finite_score():
    window = orders(1000, 1, rain=1.0, lost=0.999, z=1.0)
    result = scored(window, orders(4000, 2, rain=0.0, lost=0.0))
    assert 1 < result.score < 1e6


def test_a_window_of_other_edges_is_refused():
    window = profile_of(orders(1000, 1), RECIPE)
    with pytest.raises(DataError, match="different edges"):
        score_window(window, profile_of(orders(4000, 2), RECIPE), Monitoring(), 1)


@settings(max_examples=25, deadline=None)
@given(km=st.floats(1.0, 1.5), seed=st.integers(0, 5))
def test_a_drift_that_grows_scores_higher(km: float, seed: int):
    reference = orders(4000, 99)
    near, far = (test_of(scored(orders(1000, seed, km=km * more), reference), "km", KS) for more in (1.0, 1.2))
    assert far.score > near.score
    assert far.p_value <= near.p_value


def test_the_distances_are_those_that_validation_warns_by():
    window, reference = profiles(orders(1000, 1), orders(4000, 2))
    distances = {drift.column: drift.distance for drift in drift_of(window, reference)}
    for one in score_window(window, reference, Monitoring(), 1).columns:
        if one.measure != MISSING_SHARE:
            assert one.distance == distances[one.column]


def test_weeks_without_drift_alarm_about_as_often_as_asked_for():
    """A loose check of the whole; benchmarks/drift.py does it with 2,000 weeks."""
    weeks, looks = 60, 3
    alarms = 0
    for week in range(weeks):
        reference = profile_of(orders(2000, 10_000 + week), RECIPE)
        windows = [orders(500, 20_000 + week * looks + look) for look in range(looks)]
        alarms += any(
            score_window(
                profile_of(window, RECIPE, reference), reference, Monitoring(false_alarm_rate=0.3, min_effect=0), number
            ).score
            >= 1
            for number, window in enumerate(windows, start=1)
        )
    low, high = stats.binom.ppf([0.001, 0.999], weeks, 0.3)
    assert low <= alarms <= high
