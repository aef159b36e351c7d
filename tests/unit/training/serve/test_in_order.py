"""Parts worked on side by side, results in order."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from training.serve.in_order import in_order

CORES = len(os.sched_getaffinity(0))


def test_results_come_in_the_order_of_the_parts_whichever_is_ready_first() -> None:
    def work(part: int) -> int:
        time.sleep(0.01 if part % 2 else 0.0)
        return -part

    assert list(in_order(work, range(40))) == [-part for part in range(40)]


def test_as_many_parts_are_worked_on_at_once_as_there_are_cores() -> None:
    together = threading.Barrier(CORES)
    assert len(list(in_order(lambda _: together.wait(10), range(CORES)))) == CORES


def test_no_more_parts_are_taken_than_cores_will_soon_need() -> None:
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for part in range(1000):
            taken.append(part)
            yield part

    results = in_order(lambda part: part, parts())
    assert next(results) == 0
    assert len(taken) <= 2 * CORES + 1
    results.close()


def test_a_part_that_fails_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda part: 1 // part, [1, 0, 1]))


def test_nothing_gives_nothing() -> None:
    assert list(in_order(lambda part: part, [])) == []
