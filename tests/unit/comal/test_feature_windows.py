"""Windows and what is known when, against the slow and obvious way, over histories that arrive in any order."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comal.feature_group import FeatureGroup
from comal.feature_history import History, new_history
from comal.feature_windows import MICROSECONDS, Records, Rows, new_records, records

MINUTE = 60 * MICROSECONDS
TTL_S = 90 * 24 * 3600
WINDOWS = {
    "orders": {"function": "count", "over": "10m"},
    "timed": {"function": "count", "column": "minutes", "over": "1h"},
    "total": {"function": "sum", "column": "minutes", "over": "30m"},
    "mean": {"function": "mean", "column": "minutes", "over": "1h"},
    "least": {"function": "min", "column": "minutes", "over": "20m"},
    "most": {"function": "max", "column": "minutes", "over": "7m"},
    "newest": {"function": "last", "column": "minutes", "over": "15m"},
}


@dataclass(frozen=True)
class Row:
    """One row of a pushed file; times in minutes."""

    key: int
    entity: int
    time: int
    minutes: float


def group_of(**fields: object) -> FeatureGroup:
    return FeatureGroup.model_validate({"entity": "store", "windows": WINDOWS, **fields})


def rows_of(files: list[list[Row]]) -> Rows:
    flat = [(number, row) for number, file in enumerate(files) for row in file]
    return Rows(
        np.array([row.key for _, row in flat], dtype=np.int64),
        np.array([row.entity for _, row in flat], dtype=np.int64),
        np.array([row.time * MINUTE for _, row in flat], dtype=np.int64),
        np.array([number for number, _ in flat], dtype=np.int64),
        {"minutes": np.array([row.minutes for _, row in flat], dtype=np.float64)},
    )


def history_of(group: FeatureGroup, files: list[list[Row]], came_at: list[int]) -> History:
    """What ingesting file after file writes."""
    parts = [
        new_history(group, rows_of(files[: number + 1]), number, {of: came_at[of] * MINUTE for of in range(number + 1)})
        for number in range(len(files))
    ]
    joined = Records(
        np.concatenate([part.records.entities for part in parts]),
        np.concatenate([part.records.times for part in parts]),
        np.concatenate([part.records.values for part in parts]),
    )
    return History(joined, np.concatenate([part.known_at for part in parts]))


def corrected(files: list[list[Row]]) -> list[Row]:
    """Each row once, by when it came last."""
    rows = [row for file in files for row in file]
    newest = {(row.key, row.time): at for at, row in enumerate(rows)}
    return [rows[at] for at in sorted(newest.values())]


def window_of(function: str, held: list[Row], *, of_column: bool) -> float:
    if function == "count" and not of_column:
        return len(held)
    values = [row.minutes for row in held if not math.isnan(row.minutes)]
    if function == "count":
        return len(values)
    if not values:
        return math.nan
    if function == "last":
        return [row.minutes for row in held if not math.isnan(row.minutes)][-1]
    return {"sum": math.fsum, "mean": lambda v: math.fsum(v) / len(v), "min": min, "max": max}[function](values)


def values_at(group: FeatureGroup, rows: list[Row], entity: int, moment: int) -> list[float]:
    """The windows that end with a moment, row by row."""
    held = sorted((row for row in rows if row.entity == entity), key=lambda row: row.time)
    return [
        window_of(
            window.function,
            [row for row in held if moment - window.over_s / 60 < row.time <= moment],
            of_column=window.column is not None,
        )
        for window in group.windows.values()
    ]


def asked(group: FeatureGroup, files: list[list[Row]], came_at: list[int], entity: int, time: int) -> list[float]:
    """What was known just before a time: of the files that had come, the windows at the newest moment told of."""
    known = [file for file, came in zip(files, came_at, strict=True) if came < time]
    rows = corrected(known)
    moments = [row.time for file in known for row in file if row.entity == entity and row.time < time]
    return values_at(group, rows, entity, max(moments)) if moments else [math.nan] * len(group.windows)


# Rows of one time are told apart by their key; a correction may move a row to the other entity.
minutes = st.one_of(st.just(math.nan), st.integers(-50, 50).map(float))
row = st.builds(Row, st.integers(0, 3), st.integers(0, 1), st.integers(0, 90), minutes)
pushed = st.lists(st.lists(row, max_size=8), min_size=1, max_size=5)


@given(pushed, st.data())
@settings(max_examples=150, deadline=None)
def test_any_history_is_known_as_the_obvious_way_says(files: list[list[Row]], data: st.DataObject) -> None:
    group = group_of()
    came_at = sorted(data.draw(st.lists(st.integers(0, 120), min_size=len(files), max_size=len(files), unique=True)))
    history = history_of(group, files, came_at)
    moments = [(entity, time) for entity in (0, 1, 7) for time in range(0, 130, 7)]
    entities = np.array([entity for entity, _ in moments], dtype=np.int64)
    times = np.array([time * MINUTE for _, time in moments], dtype=np.int64)
    found = history.at(entities, times, TTL_S)
    expected = [asked(group, files, came_at, entity, time) for entity, time in moments]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(pushed)
@settings(max_examples=100, deadline=None)
def test_what_counts_now_is_what_one_file_with_all_rows_would_say(files: list[list[Row]]) -> None:
    """Late, repeated, corrected and shuffled rows end where the whole of them ends: the online store's view."""
    group = group_of()
    came_at = [1000 + number for number in range(len(files))]
    history = history_of(group, files, came_at)
    newest = history.newest()
    rows = corrected(files)
    told = [row for file in files for row in file]
    assert sorted(history.records.entities[newest]) == sorted({row.entity for row in told})
    for position in newest:
        entity, time = int(history.records.entities[position]), int(history.records.times[position]) // MINUTE
        assert time == max(row.time for row in told if row.entity == entity)
        np.testing.assert_allclose(history.records.values[position], values_at(group, rows, entity, time), rtol=1e-9)


@given(st.lists(row, max_size=20), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_with_a_delay_a_history_that_came_at_once_is_known_as_it_would_have_been(file: list[Row], delay: int) -> None:
    group = group_of(delay=f"{delay}m", windows={"orders": WINDOWS["orders"], "mean": WINDOWS["mean"]})
    history = history_of(group, [file], [10_000])
    rows = corrected([file])
    for entity in (0, 1):
        for time in range(0, 140, 9):
            found = history.at(np.array([entity]), np.array([time * MINUTE]), TTL_S)[0]
            moments = [row.time for row in file if row.entity == entity and row.time + delay < time]
            expected = values_at(group, rows, entity, max(moments)) if moments else [math.nan, math.nan]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(pushed, st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_what_a_row_was_told_when_its_file_came_is_what_is_told_ever_after(files: list[list[Row]], delay: int) -> None:
    """What training learns from and what `comal features get` answers later are the same: the past does not change."""
    group = group_of(delay=f"{delay}m", windows={name: WINDOWS[name] for name in ("orders", "mean")})
    came_at = [1000 + number for number in range(len(files))]
    told = [row for file in files for row in file]
    ever_after = history_of(group, files, came_at)
    for number, file in enumerate(files):
        entities = np.array([row.entity for row in file], dtype=np.int64)
        times = np.array([row.time * MINUTE for row in file], dtype=np.int64)
        then = history_of(group, files[: number + 1], came_at[: number + 1]).at(entities, times, TTL_S)
        np.testing.assert_array_equal(ever_after.at(entities, times, TTL_S), then, err_msg=str(told))


def test_a_row_is_never_told_its_own_outcome() -> None:
    """Not even when its file came before its own time, by a clock that is wrong."""
    group = group_of(windows={"mean": WINDOWS["mean"]})
    history = history_of(group, [[Row(0, 0, 50, 99.0)]], [10])
    assert np.isnan(history.at(np.array([0]), np.array([50 * MINUTE]), TTL_S)).all()
    assert history.at(np.array([0]), np.array([50 * MINUTE + 1]), TTL_S)[0] == [99.0]


def test_what_is_known_expires() -> None:
    group = group_of(windows={"mean": WINDOWS["mean"]}, ttl="20m")
    history = history_of(group, [[Row(0, 0, 5, 3.0)]], [10])
    times = np.array([11, 29, 30, 40]) * MINUTE
    assert history.at(np.zeros(4, dtype=np.int64), times, group.ttl_s)[:, 0].tolist()[:2] == [3.0, 3.0]
    assert np.isnan(history.at(np.zeros(4, dtype=np.int64), times, group.ttl_s)[2:]).all()


def test_a_correction_is_known_when_it_comes_whatever_the_delay() -> None:
    group = group_of(windows={"mean": WINDOWS["mean"]}, delay="10m")
    history = history_of(group, [[Row(0, 0, 5, 3.0)], [Row(0, 0, 5, 9.0)]], [100, 200])
    times = np.array([15, 16, 200, 201]) * MINUTE
    found = history.at(np.zeros(4, dtype=np.int64), times, TTL_S)[:, 0]
    assert np.isnan(found[0])
    assert found[1:].tolist() == [3.0, 3.0, 9.0]


@pytest.mark.parametrize(
    ("late", "told"),
    [
        pytest.param(Row(0, 0, 5, 9.0), [4.0, 10.0, 15.0], id="corrected"),
        pytest.param(Row(4, 0, 5, 9.0), [4.0, 13.0, 18.0], id="late"),
        pytest.param(Row(0, 1, 5, 3.0), [4.0, 1.0, 6.0], id="moved away"),
    ],
)
def test_after_a_late_row_nothing_is_known_before_it_whatever_the_delay(late: Row, told: list[float]) -> None:
    """Windows may hold what came late; and the online store, which takes later times only, says the same."""
    group = group_of(windows={"total": WINDOWS["total"]}, delay="10m")
    files = [[Row(0, 0, 5, 3.0), Row(2, 0, 6, 1.0)], [late], [Row(2, 0, 20, 5.0)]]
    history = history_of(group, files, [100, 200, 300])
    found = history.at(np.zeros(3, dtype=np.int64), np.array([31, 201, 301]) * MINUTE, TTL_S)[:, 0]
    assert found.tolist() == told
    assert history.known_at[-1] == 300 * MINUTE


def test_a_row_that_is_told_again_unchanged_is_not_late() -> None:
    """Exports that overlap say the same twice; what is new in them is as timely as it was."""
    group = group_of(windows={"orders": WINDOWS["orders"]}, delay="10m")
    files = [[Row(0, 0, 5, 3.0)], [Row(0, 0, 5, 3.0), Row(0, 0, 20, math.nan)]]
    history = history_of(group, files, [100, 200])
    assert history.at(np.zeros(1, dtype=np.int64), np.array([31 * MINUTE]), TTL_S)[:, 0].tolist() == [1.0]
    assert sorted(history.known_at // MINUTE) == [15, 30]


@pytest.mark.parametrize(("was", "now"), [(1.7e12, 1.7e12 + 900), (2e-10, 9e-10)])
def test_no_correction_is_too_small(was: float, now: float) -> None:
    group = group_of(windows={"newest": WINDOWS["newest"], "mean": WINDOWS["mean"]})
    changed, _ = new_records(group, rows_of([[Row(0, 0, 5, was)], [Row(0, 0, 5, now)]]), 1)
    assert changed.values.tolist() == [[now, now]]


def test_the_same_file_again_writes_nothing() -> None:
    group = group_of()
    files = [[Row(0, 0, 5, 3.0), Row(2, 0, 6, 4.0)]] * 2
    assert len(new_records(group, rows_of(files), 1)[0].times) == 0


def test_a_correction_changes_its_own_record_and_those_whose_windows_hold_it() -> None:
    group = group_of(windows={"mean": WINDOWS["mean"]})
    files = [[Row(0, 0, 5, 3.0), Row(2, 0, 30, 5.0), Row(4, 0, 100, 7.0)], [Row(0, 0, 5, 9.0)]]
    changed, _ = new_records(group, rows_of(files), 1)
    assert (changed.times // MINUTE).tolist() == [5, 30]
    assert changed.values[:, 0].tolist() == [9.0, 7.0]


def test_a_correction_that_moves_a_row_changes_both_entities() -> None:
    group = group_of(windows={"orders": WINDOWS["orders"], "mean": WINDOWS["mean"]})
    files = [[Row(0, 0, 5, 3.0), Row(2, 0, 9, 5.0)], [Row(2, 1, 9, 5.0)]]
    changed, is_change = new_records(group, rows_of(files), 1)
    assert changed.entities.tolist() == [0, 1]
    assert changed.values.tolist() == [[1.0, 3.0], [1.0, 5.0]]
    assert is_change.tolist() == [True, False]


@pytest.mark.parametrize(
    "moved", [[[Row(0, 0, 5, 3.0), Row(0, 1, 5, 3.0)]], [[Row(0, 0, 5, 3.0)], [Row(0, 1, 5, 3.0)]]]
)
def test_a_row_that_a_correction_moved_away_does_not_come_back_with_a_later_file(moved: list[list[Row]]) -> None:
    group = group_of(windows={"orders": WINDOWS["orders"], "mean": WINDOWS["mean"]})
    changed, is_change = new_records(group, rows_of([*moved, [Row(2, 0, 9, 5.0)]]), len(moved))
    assert (changed.entities.tolist(), changed.times.tolist()) == ([0], [9 * MINUTE])
    assert changed.values.tolist() == [[1.0, 5.0]]
    assert is_change.tolist() == [False]


@pytest.mark.parametrize("huge", [1e17, 1e300, 1.7e308])
def test_a_huge_value_is_in_no_window_but_those_that_hold_it(huge: float) -> None:
    group = group_of(windows={"total": WINDOWS["total"], "mean": WINDOWS["mean"]})
    file = [Row(0, 0, 0, huge), Row(1, 0, 10, huge), Row(2, 0, 100, 0.1), Row(3, 0, 110, 0.2), Row(4, 1, 5, 0.3)]
    found = records(group, rows_of([file]))
    assert found.values[2:].tolist() == [[0.1, 0.1], [0.1 + 0.2, (0.1 + 0.2) / 2], [0.3, 0.3]]


@pytest.mark.parametrize("name", list(WINDOWS))
def test_many_rows_of_many_entities(name: str) -> None:
    group = group_of(windows={name: WINDOWS[name]})
    rng = np.random.default_rng(3)
    times, values = rng.choice(5000, 400, replace=False), rng.normal(size=400)
    file = [Row(at, at % 5, int(times[at]), float(values[at])) for at in range(400)]
    found = records(group, rows_of([file]))
    expected = [
        values_at(group, file, int(entity), int(time) // MINUTE)
        for entity, time in zip(found.entities, found.times, strict=True)
    ]
    np.testing.assert_allclose(found.values, expected, rtol=1e-9, atol=1e-12)
