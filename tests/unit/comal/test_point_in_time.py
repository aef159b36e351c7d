"""What was known at moments, against the slow and obvious way, against DuckDB, and against what functions are told."""

from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comal.feature_history import History
from comal.feature_windows import Records
from comal.point_in_time import point_in_time

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
TIMES = pa.timestamp("us", "UTC")
ENTITIES = ["centro", "norte", "sur"]

record = st.tuples(st.sampled_from(ENTITIES[:2]), st.integers(0, 12), st.integers(-3, 6))
question = st.tuples(st.sampled_from(ENTITIES), st.integers(0, 20))


def moment(minute: int) -> datetime:
    return EPOCH + timedelta(minutes=minute)


def records_of(rows: list[tuple[str, int, int]]) -> pa.Table:
    """Rows of entity, time and how much later they were known; the feature is the row's number."""
    return pa.table(
        {
            "store": pa.array([store for store, _, _ in rows], pa.string()),
            "happened": pa.array([moment(time) for _, time, _ in rows], TIMES),
            "known": pa.array([moment(time + lag) for _, time, lag in rows], TIMES),
            "pace": pa.array(range(len(rows)), pa.float64()),
        }
    )


def asked_of(questions: list[tuple[str, int]]) -> pa.Table:
    return pa.table(
        {
            "store": pa.array([store for store, _ in questions], pa.string()),
            "at": pa.array([moment(time) for _, time in questions], TIMES),
        }
    )


def joined(
    questions: list[tuple[str, int]], rows: list[tuple[str, int, int]], ttl: timedelta | None = None
) -> pa.Table:
    return point_in_time(
        asked_of(questions),
        records_of(rows),
        entity="store",
        time="at",
        event_time="happened",
        known_at="known",
        features=["pace"],
        ttl=ttl,
    )


def obvious(question: tuple[str, int], rows: list[tuple[str, int, int]], ttl_minutes: int | None) -> int | None:
    store, time = question
    known = [
        (happened, max(happened, happened + lag), number)
        for number, (whose, happened, lag) in enumerate(rows)
        if whose == store and max(happened, happened + lag) < time
    ]
    if not known:
        return None
    _, since, number = max(known)
    return number if ttl_minutes is None or since > time - ttl_minutes else None


@given(st.lists(question, min_size=1, max_size=12), st.lists(record, max_size=14), st.sampled_from([None, 1, 5]))
@settings(max_examples=120, deadline=None)
def test_every_entity_gets_what_was_known_and_nothing_else(
    questions: list[tuple[str, int]], rows: list[tuple[str, int, int]], ttl_minutes: int | None
) -> None:
    ttl = timedelta(minutes=ttl_minutes) if ttl_minutes else None
    found = joined(questions, rows, ttl)
    assert found.select(["store", "at"]).equals(asked_of(questions))
    assert found["pace"].to_pylist() == [obvious(each, rows, ttl_minutes) for each in questions]


@given(st.lists(question, min_size=1, max_size=12), st.lists(record, max_size=14))
@settings(max_examples=60, deadline=None)
def test_functions_and_research_know_the_same(
    questions: list[tuple[str, int]], rows: list[tuple[str, int, int]]
) -> None:
    # Records are written in the order in which they are known.
    rows = sorted(rows, key=lambda row: max(row[1], row[1] + row[2]))
    codes = np.array([ENTITIES.index(store) for store, _, _ in rows], dtype=np.int64)
    times = np.array([time for _, time, _ in rows], dtype=np.int64)
    known = np.array([max(time, time + lag) for _, time, lag in rows], dtype=np.int64)
    history = History(Records(codes, times, np.arange(len(rows), dtype=np.float64)[:, None]), known)
    asked = np.array([ENTITIES.index(store) for store, _ in questions], dtype=np.int64)
    found = history.at(asked, np.array([time for _, time in questions], dtype=np.int64), ttl_s=1000)[:, 0]
    expected = [float("nan") if value is None else value for value in joined(questions, rows)["pace"].to_pylist()]
    np.testing.assert_array_equal(found, expected)


def test_many_rows_are_answered_as_duckdb_does_by_looking_at_every_record() -> None:
    """More than are searched for at once, of entities that have none, few and most of the records."""
    rng = np.random.default_rng(5)
    stores = np.minimum(rng.geometric(0.3, 40_000), 20)
    happened = rng.integers(0, 500, 40_000)
    known = happened + rng.integers(-20, 60, 40_000)
    of_stores, at = rng.integers(0, 25, 20_000), rng.integers(0, 600, 20_000)
    records = pa.table(
        {"store": stores, "happened": _minutes(happened), "known": _minutes(known), "number": range(40_000)}
    )
    asked = pa.table({"store": of_stores, "at": _minutes(at), "position": range(20_000)})
    found = point_in_time(
        asked, records, entity="store", time="at", event_time="happened", known_at="known", features=["number"]
    )
    with duckdb.connect() as connection:
        connection.register("asked", asked)
        connection.register("records", records)
        expected = connection.sql(
            "select position, arg_max(number, (happened, greatest(happened, known), number)) as number"
            " from asked left join records on asked.store = records.store and greatest(happened, known) < asked.at"
            " group by position order by position"
        ).to_arrow_table()
    assert found["number"].to_pylist() == expected["number"].to_pylist()
    assert 0 < found["number"].null_count < 20_000


def _minutes(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers * 60_000_000).cast(TIMES)


def test_rows_without_entity_or_time_are_told_nothing_and_tell_nothing() -> None:
    asked = pa.table({"store": ["norte", None, "norte"], "at": pa.array([moment(9), moment(9), None], TIMES)})
    told = pa.array([moment(1), moment(2), None, moment(4)], TIMES)
    known = pa.array([moment(1), moment(2), moment(3), None], TIMES)
    records = pa.table({"store": ["norte", None, "norte", "norte"], "happened": told, "known": known, "pace": range(4)})
    columns = {"entity": "store", "time": "at", "event_time": "happened", "known_at": "known", "features": ["pace"]}
    assert point_in_time(asked, records, **columns)["pace"].to_pylist() == [0, None, None]


def test_times_without_a_zone_are_utc() -> None:
    asked = asked_of([("norte", 5)])
    bare = asked.set_column(1, "at", asked["at"].cast(pa.timestamp("us")))
    records = records_of([("norte", 1, 0)])
    columns = {"entity": "store", "time": "at", "event_time": "happened", "known_at": "known", "features": ["pace"]}
    assert point_in_time(bare, records, **columns)["pace"].to_pylist() == [0.0]


@pytest.mark.parametrize("rows", [0, 1])
def test_nobody_asked_is_answered(rows: int) -> None:
    found = joined([], [("norte", 1, 0)][:rows])
    assert found.num_rows == 0
    assert found.column_names == ["store", "at", "pace"]
