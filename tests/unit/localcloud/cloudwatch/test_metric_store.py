"""What is kept of measurements, how finely, and for how long."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.cloudwatch.series import Bucket, SeriesKey
from localcloud.aws.cloudwatch.statistics import value_of
from localcloud.aws.cloudwatch.store import MINUTE_S, SECOND_S, Store

KEY = SeriesKey("000000000000", "us-east-1", "shop", "sales", (("store", "norte"),), "Count")
HOUR_S = 3600
NOW = 1_800_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "cloudwatch.db")
    yield opened
    opened.close()


def bucket(*values: float) -> Bucket:
    filled = Bucket()
    for value in values:
        filled.add(value, 1.0)
    return filled


def total(store: Store, start: float, end: float, period_s: int) -> dict[int, float]:
    return {moment: found.total for moment, found in store.read([KEY], start, end, period_s).items()}


def test_seconds_become_minutes_after_three_hours_and_minutes_end_after_fifteen_days(store: Store) -> None:
    for second in (1, 2, 61):
        store.add(KEY, NOW + second, SECOND_S, bucket(1.0))
    store.flush()
    store.forget_old(NOW + 2 * HOUR_S)
    assert total(store, NOW, NOW + 120, 1) == {NOW + 1: 1.0, NOW + 2: 1.0, NOW + 61: 1.0}
    store.forget_old(NOW + 4 * HOUR_S)
    assert total(store, NOW, NOW + 120, 1) == {NOW: 2.0, NOW + 60: 1.0}
    store.forget_old(NOW + 16 * 24 * HOUR_S)
    assert total(store, NOW, NOW + 120, 1) == {}


def test_a_metric_without_data_is_listed_no_more_and_may_come_again(store: Store) -> None:
    store.add(KEY, NOW, MINUTE_S, bucket(1.0))
    store.flush()
    store.forget_old(NOW + 16 * 24 * HOUR_S)
    assert store.keys(KEY.account, KEY.region, None, None) == []
    store.add(KEY, NOW + 60, MINUTE_S, bucket(2.0))
    assert store.keys(KEY.account, KEY.region, None, None) == [KEY]
    assert total(store, NOW, NOW + 120, 60) == {NOW + 60: 2.0}


def test_a_restart_finds_what_was_flushed(tmp_path: Path) -> None:
    first = Store(tmp_path / "cloudwatch.db")
    first.add(KEY, NOW, MINUTE_S, bucket(1.0, 2.0))
    first.flush()
    second = Store(tmp_path / "cloudwatch.db")
    (found,) = second.read([KEY], NOW, NOW + 60, 60).values()
    assert (found.count, found.total, found.low, found.high, found.sample) == (2.0, 3.0, 1.0, 2.0, {1.0: 1.0, 2.0: 1.0})
    first.close()
    second.close()


def test_memory_of_a_period_is_bounded_and_its_percentiles_have_three_digits() -> None:
    filled = Bucket()
    for number in range(50_000):
        filled.add(100 + number / 100, 1.0)
    assert len(filled.sample) <= 2000
    assert value_of(filled, "p50") == pytest.approx(350, rel=0.01)
    assert value_of(filled, "Maximum") == pytest.approx(599.99)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(0, 50))
def test_buckets_that_are_merged_know_what_one_bucket_would(values: list[float], cut: int) -> None:
    merged = bucket(*values[:cut])
    merged.merge(bucket(*values[cut:]))
    whole = bucket(*values)
    for statistic in ("SampleCount", "Minimum", "Maximum", "p0", "p50", "p99", "p100"):
        assert value_of(merged, statistic) == value_of(whole, statistic)
    assert value_of(merged, "Sum") == pytest.approx(value_of(whole, "Sum"), abs=1e-6)
