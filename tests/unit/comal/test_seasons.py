from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from comal.drift_score import score_window
from comal.profile import CategoryProfile, NumberProfile, Profile, Stratum
from comal.profiler import profile_of
from comal.recipe import Monitoring, Recipe
from comal.seasons import hours_of_week, matched, with_hours

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
RECIPE = Recipe.model_validate(
    {
        "model": "shop",
        "task": "regression",
        "target": "y",
        "features": {
            "x": {"type": "number"},
            "kind": {"type": "category", "values": ["lunch", "dinner"]},
            "busy": {"type": "boolean"},
        },
    }
)
SEASONAL = Monitoring(reference="seasonal")


def visits(hours: list[int], seed: int, shift: float = 0.0) -> tuple[pa.Table, pa.Array]:
    """A visit an hour of the week named; what it holds depends on the hour of the day, and on `shift`."""
    rng = np.random.default_rng(seed)
    day_hour = np.array(hours) % 24
    table = pa.table(
        {
            "x": pa.array(day_hour + rng.normal(0, 2, len(hours)) + shift, mask=rng.random(len(hours)) < 0.02),
            "kind": np.where(day_hour < 17, "lunch", "dinner").tolist(),
            "busy": rng.random(len(hours)) < day_hour / 24,
            "y": rng.normal(size=len(hours)),
        }
    )
    return table, pa.array([MONDAY + timedelta(hours=hour, minutes=7) for hour in hours], pa.timestamp("us", "UTC"))


def reference_of(table: pa.Table, times: pa.Array) -> Profile:
    whole = profile_of(table, RECIPE)
    names = hours_of_week(times)
    parts = {str(name): profile_of(table.filter(pa.array(names == name)), RECIPE, whole) for name in np.unique(names)}
    strata = {name: Stratum(rows=part.rows, columns=part.columns) for name, part in parts.items()}
    return whole.model_copy(update={"strata": strata})


@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.timestamp("s"), pa.timestamp("ns", "America/New_York")])
def test_hours_are_named_in_utc_and_missing_times_have_none(kind: pa.DataType):
    times = [MONDAY, MONDAY + timedelta(days=6, hours=23, minutes=59), None, datetime(1969, 12, 31, 23, tzinfo=UTC)]
    column = pa.array(times, pa.timestamp("us", "UTC")).cast(
        pa.timestamp("us") if kind.tz is None else kind, safe=False
    )
    assert hours_of_week(column.cast(kind)).tolist() == ["mon-00", "sun-23", "", "wed-23"]
    assert hours_of_week(pa.chunked_array([column.cast(kind)])).tolist()[0] == "mon-00"


def test_a_windows_hours_are_counted():
    table, times = visits([9, 9, 33], 1)
    window = with_hours(profile_of(table, RECIPE), times)
    assert {hour: stratum.rows for hour, stratum in window.strata.items()} == {"mon-09": 2, "tue-09": 1}


def test_a_reference_weighted_by_its_own_hours_is_itself():
    """It holds as many rows as it has, and the same shares, within the rounding to whole rows."""
    table, times = visits(list(range(168)) * 20, 1)
    reference = reference_of(table, times)
    weighted = matched(reference, with_hours(profile_of(table, RECIPE, reference), times))
    assert weighted.rows == pytest.approx(reference.rows, abs=1)
    x, kind = weighted.columns["x"], weighted.columns["kind"]
    assert isinstance(x, NumberProfile)
    assert isinstance(kind, CategoryProfile)
    assert np.abs(np.cumsum(x.bins) - np.cumsum(reference.columns["x"].bins)).max() <= 2  # type: ignore[union-attr]
    assert kind.values == reference.columns["kind"].values  # type: ignore[union-attr]
    assert x.missing_share == pytest.approx(reference.columns["x"].missing_share, abs=1e-3)


def test_a_window_of_one_hour_is_compared_with_that_hour():
    table, times = visits(list(range(168)) * 20, 1)
    reference = reference_of(table, times)
    evening = [20] * 200
    rows, at = visits(evening, 2)
    window = with_hours(profile_of(rows, RECIPE, reference), at)
    assert score_window(window, reference, Monitoring(), 1).score > 1
    assert score_window(window, reference, SEASONAL, 1).score < 1
    assert matched(reference, window).rows == 20


def test_a_drift_inside_the_hours_is_found():
    table, times = visits(list(range(168)) * 30, 1)
    reference = reference_of(table, times)
    hours = list(range(24, 72)) * 20
    rows, at = visits(hours, 2, shift=3.0)
    result = score_window(with_hours(profile_of(rows, RECIPE, reference), at), reference, SEASONAL, 1)
    assert result.score > 1
    assert result.columns[0].column == "x"


def test_an_hour_that_the_reference_lacks_is_compared_with_all_rows():
    table, times = visits([10, 11] * 300, 1)
    reference = reference_of(table, times)
    rows, at = visits([50] * 100, 2)
    weighted = matched(reference, with_hours(profile_of(rows, RECIPE, reference), at))
    assert weighted.rows == 600
    assert weighted.columns["x"].bins == reference.columns["x"].bins  # type: ignore[union-attr]


def test_without_hours_on_either_side_all_rows_are_compared():
    table, times = visits(list(range(168)) * 10, 1)
    reference = reference_of(table, times)
    window = profile_of(visits([30] * 100, 2)[0], RECIPE, reference)
    assert score_window(window, reference, SEASONAL, 1) == score_window(window, reference, Monitoring(), 1)


def test_weeks_that_only_follow_the_calendar_do_not_alarm_more_often_than_asked_for():
    """The weighted reference is cautious, as rows within an hour differ less than all rows do."""
    alarms = 0
    for week in range(30):
        reference = reference_of(*visits(list(range(168)) * 12, 1000 + week))
        rows, at = visits(list(range(24, 72)) * 8, 5000 + week)
        window = with_hours(profile_of(rows, RECIPE, reference), at)
        alarms += score_window(window, reference, SEASONAL.model_copy(update={"min_effect": 0.0}), 1).score >= 1
    assert alarms <= 6


def test_strata_of_profiles_add_up():
    table, times = visits([9, 10, 33], 1)
    whole = reference_of(table, times)
    first, second = (
        profile_of(part, RECIPE, whole).model_copy(
            update={"strata": {hour: Stratum(rows=1, columns=whole.strata[hour].columns) for hour in hours}}
        )
        for part, hours in ((table.slice(0, 1), ["mon-09"]), (table.slice(1), ["mon-09", "tue-09"]))
    )
    merged = first.merge(second)
    assert {hour: stratum.rows for hour, stratum in merged.strata.items()} == {"mon-09": 2, "tue-09": 1}
    assert Profile.from_json(merged.to_json()) == merged
