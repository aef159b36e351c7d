import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comal.drift import drift_of, warnings_of
from comal.errors import DataError
from comal.profile import MAX_CATEGORIES, NumberProfile, Profile
from comal.profiler import Profiler, profile_of
from comal.recipe import Recipe

RECIPE = Recipe.model_validate(
    {
        "model": "tacos",
        "task": "binary",
        "target": "late",
        "features": {
            "km": {"type": "number"},
            "store": {"type": "category", "values": ["a", "b"]},
            "rain": {"type": "boolean"},
        },
    }
)


def table(km, store=None, rain=None, late=None):
    rows = len(km)
    return pa.table(
        {
            "km": pa.array(km, pa.float64()),
            "store": pa.array(store or ["a"] * rows, pa.string()),
            "rain": pa.array(rain or [True] * rows, pa.bool_()),
            "late": pa.array(late or ["0"] * rows, pa.string()),
        }
    )


finite = st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.tuples(
        st.one_of(st.none(), finite, st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e308, -1e308])),
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from([True, False, None]),
        st.sampled_from(["0", "1", None]),
    ),
    max_size=30,
)


def to_table(some_rows):
    km, store, rain, late = zip(*some_rows, strict=True) if some_rows else ((), (), (), ())
    return pa.table(
        {
            "km": pa.array(km, pa.float64()),
            "store": pa.array(store, pa.string()),
            "rain": pa.array(rain, pa.bool_()),
            "late": pa.array(late, pa.string()),
        }
    )


@settings(max_examples=200, deadline=None)
@given(first=rows, second=rows)
def test_the_profile_of_all_rows_is_the_sum_of_the_profiles(first, second):
    whole = profile_of(to_table(first + second), RECIPE)
    parts = profile_of(to_table(first), RECIPE, whole).merge(profile_of(to_table(second), RECIPE, whole))
    assert parts.rows == whole.rows
    for name in ("store", "rain", "late"):
        assert parts.columns[name] == whole.columns[name]
    ours, theirs = parts.columns["km"], whole.columns["km"]
    assert isinstance(ours, NumberProfile)
    assert isinstance(theirs, NumberProfile)
    same = {"count", "missing", "infinite", "min", "max", "edges", "bins"}
    assert ours.model_dump(include=same) == theirs.model_dump(include=same)
    if theirs.count:
        scale = max(abs(theirs.min), abs(theirs.max)) or 1.0
        assert ours.mean / scale == pytest.approx(theirs.mean / scale, abs=1e-9)
        assert ours.std / scale == pytest.approx(theirs.std / scale, abs=1e-7)
    assert Profile.from_json(parts.to_json()) == parts
    assert all(drift.distance == 0 for drift in drift_of(parts, whole))


def test_numbers_are_those_of_numpy():
    values = np.random.default_rng(1).normal(5, 2, 10_000)
    km = profile_of(table(values.tolist()), RECIPE).columns["km"]
    assert isinstance(km, NumberProfile)
    assert (km.min, km.max) == (values.min(), values.max())
    assert km.mean == pytest.approx(values.mean())
    assert km.std == pytest.approx(values.std())
    counts = np.histogram(values, [-np.inf, *km.edges, np.inf])[0]
    # numpy's bins hold their left edge, ours their right one: an edge is a value of one row here.
    assert np.abs(np.cumsum(counts)[:-1] + 1 - np.cumsum(km.bins)[:-1]).max() == 0


def test_infinite_values_and_nan_are_counted_and_kept_out_of_the_figures():
    km = profile_of(table([1.0, math.inf, -math.inf, math.nan, None]), RECIPE).columns["km"]
    assert isinstance(km, NumberProfile)
    assert (km.count, km.infinite, km.missing, km.min, km.max, km.std) == (1, 2, 2, 1.0, 1.0, 0.0)


def test_a_few_distinct_values_are_edges_of_their_own():
    km = profile_of(table([3.0, 1.0, 1.0, 2.0]), RECIPE).columns["km"]
    assert isinstance(km, NumberProfile)
    assert (km.edges, km.bins) == ((1.0, 2.0, 3.0), (2, 1, 1, 0))


def test_the_size_of_a_profile_is_bounded():
    profiler = Profiler(RECIPE)
    for start in range(0, 3000, 500):
        profiler.add(table([0.0] * 500, store=[str(value) for value in range(start, start + 500)]))
    store = profiler.profile().columns["store"]
    assert store.kind == "category"
    assert (len(store.values), store.other, store.count) == (MAX_CATEGORIES, 2000, 3000)


def test_profiles_with_other_edges_do_not_add_up():
    with pytest.raises(DataError, match="different histogram edges"):
        profile_of(table([1.0]), RECIPE).merge(profile_of(table([2.0]), RECIPE))


def test_profiles_of_other_columns_do_not_add_up():
    other = RECIPE.model_copy(update={"features": {"km": RECIPE.features["km"]}})
    with pytest.raises(DataError, match="different columns"):
        profile_of(table([1.0]), RECIPE).merge(profile_of(table([1.0]), other))


def test_a_file_that_is_no_profile_is_refused():
    with pytest.raises(DataError, match="does not fit this version"):
        Profile.from_json(b"{}")


def test_drift_is_the_largest_gap_of_the_distributions():
    reference = profile_of(table([1.0, 2.0, 3.0, 4.0], store=["a", "a", "b", "b"], rain=[True] * 4), RECIPE)
    batch = profile_of(table([3.0, 4.0, 5.0, 6.0], store=["a", "c", "c", "c"], rain=[False] * 4), RECIPE, reference)
    distances = {drift.column: drift.distance for drift in drift_of(batch, reference)}
    assert distances == {"km": 0.5, "store": 0.75, "rain": 1.0, "late": 0.0}
    sentences = warnings_of(drift_of(batch, reference), 0.6)
    assert [sentence.split("'")[1] for sentence in sentences] == ["rain", "store"]


def test_drift_comes_close_to_the_exact_distance():
    generator = np.random.default_rng(3)
    old, new = generator.normal(0, 1, 20_000), generator.normal(0.5, 1, 20_000)
    reference = profile_of(table(old.tolist()), RECIPE)
    (km, *_) = drift_of(profile_of(table(new.tolist()), RECIPE, reference), reference)
    grid = np.sort(np.concatenate([old, new]))
    exact = np.abs(
        np.searchsorted(np.sort(old), grid, side="right") - np.searchsorted(np.sort(new), grid, side="right")
    ).max() / len(old)
    assert km.distance == pytest.approx(exact, abs=0.01)


def test_a_column_without_values_has_no_drift():
    reference = profile_of(table([1.0, 2.0]), RECIPE)
    batch = profile_of(table([None, None]), RECIPE, reference)
    assert "km" not in {drift.column for drift in drift_of(batch, reference)}


def test_a_histogram_with_other_edges_is_not_compared():
    with pytest.raises(DataError, match="different edges"):
        drift_of(profile_of(table([9.0]), RECIPE), profile_of(table([1.0]), RECIPE))
