"""The arithmetic of target tracking, minute by minute."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.autoscaling.target_tracking import (
    MINUTE_S,
    Direction,
    Scaling,
    Tracking,
    Wish,
    agree,
    wish,
)

NOW = 100_000 * MINUTE_S
TRACKING = Tracking(target=10.0)


def minutes(*values: float | None) -> dict[int, float]:
    """The last minutes, the oldest first; None is a minute without data."""
    starts = range(NOW - len(values) * MINUTE_S, NOW, MINUTE_S)
    return {start: value for start, value in zip(starts, values, strict=True) if value is not None}


def test_three_of_three_minutes_above_the_target_scale_out_in_proportion() -> None:
    assert wish(TRACKING, 2, minutes(11, 15, 25), NOW, None) == Wish(Direction.OUT, 5)


@pytest.mark.parametrize("values", [(15, 25), (25, 9, 25), (25, None, 25), (25, 25, 10), ()])
def test_fewer_do_not(values: tuple[float | None, ...]) -> None:
    assert wish(TRACKING, 2, minutes(*values), NOW, None) == Wish(Direction.STAY, 2)


def test_the_minute_that_is_not_over_does_not_count() -> None:
    values = minutes(9, 9, 9) | {NOW: 1000.0}
    assert wish(TRACKING, 2, values, NOW + 59, None) == Wish(Direction.STAY, 2)


def test_fifteen_of_fifteen_minutes_below_nine_tenths_scale_in_to_what_the_busiest_needs() -> None:
    values = minutes(*[2.0] * 10, 4.0, *[2.0] * 4)
    assert wish(TRACKING, 5, values, NOW, None) == Wish(Direction.IN, 2)


@pytest.mark.parametrize("spoiler", [9.0, 9.5, None])
def test_one_other_minute_keeps_the_fleet(spoiler: float | None) -> None:
    assert wish(TRACKING, 5, minutes(*[2.0] * 7, spoiler, *[2.0] * 7), NOW, None) == Wish(Direction.STAY, 5)


def test_no_data_changes_nothing() -> None:
    assert wish(TRACKING, 5, {}, NOW, None) == Wish(Direction.STAY, 5)


def test_a_policy_may_be_forbidden_to_scale_in() -> None:
    tracking = Tracking(target=10.0, scales_in=False)
    assert wish(tracking, 5, minutes(*[2.0] * 15), NOW, None) == Wish(Direction.STAY, 5)


def test_minutes_of_the_former_fleet_are_not_calculated_with() -> None:
    """Its instances had more to do; with them four would become twelve."""
    last = Scaling(Direction.OUT, NOW - 60)
    tracking = Tracking(target=10.0, scale_out_cooldown_s=0)
    assert wish(tracking, 4, minutes(30, 30, 12), NOW, last) == Wish(Direction.OUT, 5)
    assert wish(tracking, 4, minutes(30, 30, 30), NOW, Scaling(Direction.OUT, NOW)) == Wish(Direction.STAY, 4)


def test_during_a_scale_out_cooldown_only_a_larger_need_goes_further() -> None:
    recent = Scaling(Direction.OUT, NOW - 120)
    assert wish(TRACKING, 4, minutes(30, 30, 30), NOW, recent) == Wish(Direction.STAY, 4)
    older = Scaling(Direction.OUT, NOW - 180)
    assert wish(TRACKING, 4, minutes(15, 15, 15), NOW, older) == Wish(Direction.OUT, 6)


def test_during_a_scale_in_cooldown_nothing_more_goes_and_more_may_come() -> None:
    last = Scaling(Direction.IN, NOW - 240)
    assert wish(TRACKING, 4, minutes(*[2.0] * 15), NOW, last) == Wish(Direction.STAY, 4)
    assert wish(TRACKING, 4, minutes(*[2.0] * 15), NOW, Scaling(Direction.IN, NOW - 300)) == Wish(Direction.IN, 1)
    assert wish(TRACKING, 4, minutes(20, 20, 20), NOW, last) == Wish(Direction.OUT, 8)


@given(
    capacity=st.integers(1, 50),
    target=st.floats(0.1, 1000),
    values=st.lists(st.one_of(st.none(), st.floats(0, 10_000)), max_size=16),
    smallest=st.integers(1, 10),
    more=st.integers(0, 40),
)
def test_the_fleet_stays_inside_its_range_and_is_large_enough(
    capacity: int, target: float, values: list[float | None], smallest: int, more: int
) -> None:
    wanted = wish(Tracking(target), capacity, minutes(*values), NOW, None)
    chosen = agree([wanted], capacity, smallest, smallest + more)
    assert smallest <= chosen <= smallest + more
    if wanted.direction is Direction.OUT:
        assert wanted.capacity >= capacity
        assert wanted.capacity == max(capacity, math.ceil(capacity * (values[-1] or 0.0) / target - 1e-9))
    if wanted.direction is Direction.IN:
        assert 1 <= wanted.capacity <= capacity
        busiest = max(value for value in values[-15:] if value is not None)
        assert capacity * busiest <= wanted.capacity * target * (1 + 1e-6) + 1e-6


def test_any_policy_scales_out_and_only_all_scale_in() -> None:
    out, more, stay = Wish(Direction.OUT, 4), Wish(Direction.OUT, 6), Wish(Direction.STAY, 3)
    less, least = Wish(Direction.IN, 2), Wish(Direction.IN, 1)
    assert agree([out, more, least], 3, 1, 10) == 6
    assert agree([less, stay], 3, 1, 10) == 3
    assert agree([less, least], 3, 1, 10) == 2
    assert agree([], 3, 1, 10) == 3
    assert agree([more], 3, 1, 5) == 5
