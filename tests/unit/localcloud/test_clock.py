"""The clock moves on timer by timer and waits for what each one set off."""

from pathlib import Path

import pytest

from localcloud.aws.clock import Clock


class Hourly:
    """A timer each full hour, whose work takes two looks to end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = 3600.0
        self._busy_looks = 0
        self.fired: list[float] = []

    def next_due(self) -> float | None:
        return self._next

    def fire_due(self) -> bool:
        is_due = self._clock.now() >= self._next
        if is_due:
            self.fired.append(self._clock.now())
            self._next += 3600
            self._busy_looks = 2
        return is_due

    def is_idle(self) -> bool:
        self._busy_looks -= 1
        return self._busy_looks < 0


def test_an_advance_stops_at_each_timer_on_its_way(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json", real_time=lambda: 0.0)
    timers = Hourly(clock)
    assert clock.advance(9000, timers, idle_timeout_s=5) == 2
    assert timers.fired == [3600, 7200]
    assert clock.now() == 9000


def test_an_advance_of_nothing_fires_nothing(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json", real_time=lambda: 0.0)
    timers = Hourly(clock)
    assert clock.advance(0, timers, idle_timeout_s=5) == 0
    assert clock.offset_s == 0


def test_the_offset_outlives_a_restart(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json", real_time=lambda: 0.0)
    clock.advance(100, Hourly(clock), idle_timeout_s=5)
    assert Clock(tmp_path / "clock.json", real_time=lambda: 0.0).now() == 100


def test_work_that_does_not_end_stops_the_clock_there(tmp_path: Path) -> None:
    class Endless(Hourly):
        def is_idle(self) -> bool:
            return not self.fired

    clock = Clock(tmp_path / "clock.json", real_time=lambda: 0.0)
    with pytest.raises(TimeoutError, match="Something still runs after 0 s"):
        clock.advance(9000, Endless(clock), idle_timeout_s=0.3)
    assert clock.now() == 3600
