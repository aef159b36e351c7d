"""Where moments fall among others, entity by entity: the search that windows and point-in-time joins share."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# Moments that are searched for together: as many as a core's cache holds.
_BLOCK = 1 << 14
_NEVER = np.iinfo(np.int64).min

_T = TypeVar("_T")


def places(entities: Ints, times: Ints, of_entities: Ints, at: Ints, *, inclusive: bool) -> Ints:
    """How many entries come before each moment, in the order of (entity, time).

    Args:
        entities: Entity of each entry, as a code, small, as an array is as long as the largest. Entries are sorted by
            (entity, time).
        times: Time of each entry.
        of_entities: Entity of each moment.
        at: The moments.
        inclusive: Whether entries of the same entity and time come before.

    Returns:
        A position for each moment; those of smaller codes are counted, so two positions of one entity are a slice.
    """
    order = _Order(entities, times, inclusive=inclusive)
    found = np.empty(len(at), dtype=np.int64)

    def fill(block: slice) -> None:
        found[block], _ = order.search(of_entities[block], at[block])

    for _ in _by_blocks(fill, len(at)):
        pass
    return found


def newest_known(entities: Ints, happened: Ints, known_at: Ints, of_entities: Ints, at: Ints) -> Ints:
    """Which record says what was known of an entity just before a moment: the last to happen of those known by then.

    Of several that happened at one time it is the one known last, and of those the later entry.

    A record is new to one moment, the first of its entity after it was known. So each moment takes the last to happen
    of what is new to it, or stays with what the moment before it had, if that happened later. Only the moments are
    sorted, which are few, and never the records.

    Args:
        entities: Entity of each record, as a code that `places` takes.
        happened: When it happened.
        known_at: When it was known.
        of_entities: Entity of each moment.
        at: The moments.

    Returns:
        Position of a record for each moment, -1 where nothing was known.
    """
    order = np.lexsort((at, of_entities))
    asked = of_entities[order]
    best = _best_of_the_new(asked, at[order], entities, happened, known_at)

    # What is new counts unless the entity was told before of what happened later.
    told = np.flatnonzero(best >= 0)
    progress = asked[told] * (len(told) + 1) + np.unique(happened[best[told]], return_inverse=True)[1]
    told = told[progress == np.maximum.accumulate(progress)]
    last = np.full(len(asked), -1)
    last[told] = told
    last = np.maximum.accumulate(last)
    found = np.empty(len(asked), dtype=np.int64)
    found[order] = np.where((last >= 0) & (asked[last] == asked), best[last], -1)
    return found


def _best_of_the_new(asked: Ints, at: Ints, entities: Ints, happened: Ints, known_at: Ints) -> Ints:
    """Position of the last to happen of the records that are new to each moment, -1 where none is."""
    order = _Order(asked, at, inclusive=True)
    happened_last, known_last, best = (np.full(len(asked), least) for least in (_NEVER, _NEVER, -1))

    def new_of(block: slice) -> tuple[Ints, Ints, Ints]:
        moment, end = order.search(entities[block], known_at[block])
        record = np.flatnonzero(moment < end)
        return record + block.start, moment[record], happened[block][record]

    new = []
    for record, moment, when in _by_blocks(new_of, len(entities)):
        np.maximum.at(happened_last, moment, when)
        new.append((record, moment, when))
    last = [(record[some], moment[some]) for record, moment, when in new for some in [when == happened_last[moment]]]
    for record, moment in last:
        np.maximum.at(known_last, moment, known_at[record])
    for record, moment in last:
        of_several = known_at[record] == known_last[moment]
        np.maximum.at(best, moment[of_several], record[of_several])
    return best


class _Order:
    """Entries by (entity, time), to be searched.

    Args:
        entities: Entity of each entry, as a code.
        times: Its time.
        inclusive: Whether entries of the same entity and time as a moment come before it.
    """

    def __init__(self, entities: Ints, times: Ints, *, inclusive: bool) -> None:
        self.first = entities[0] if len(entities) else 0
        counts = np.bincount(entities - self.first)
        self.bounds = np.concatenate([[0], np.cumsum(counts)])
        self.steps = [1 << power for power in reversed(range(int(counts.max(initial=0)).bit_length()))]
        self.times = times
        self.is_before = np.less_equal if inclusive else np.less

    def search(self, of_entities: Ints, at: Ints) -> tuple[Ints, Ints]:
        """How many entries come before each moment, and before the first of the next entity."""
        codes = of_entities - self.first
        found, end = self.bounds.take(codes, mode="clip"), self.bounds.take(codes + 1, mode="clip")
        for step in self.steps:
            further = found + step
            goes = (further <= end) & self.is_before(self.times.take(further - 1, mode="clip"), at)
            found = np.where(goes, further, found)
        return found, end


def _by_blocks(function: Callable[[slice], _T], length: int) -> Iterator[_T]:
    """What a function says of each block of so many entries; on every core, where there are several."""
    blocks = [slice(at, at + _BLOCK) for at in range(0, length, _BLOCK)]
    if len(blocks) < 2:  # to start a thread would take longer
        yield from map(function, blocks)
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from threads.map(function, blocks)
