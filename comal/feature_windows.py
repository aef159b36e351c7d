"""Windows over an entity's rows: the one computation behind research, batches and the online store.

A record says what its entity's windows held at one of the entity's rows, that row among them. At a later moment the
newest record counts that was known by then.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comal.feature_group import FeatureGroup, Window
from comal.time_order import Ints, places

Floats = NDArray[np.float64]

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Rows:
    """Rows of several files, each an entry of every array.

    Attributes:
        keys: Code of what tells a row apart beside its time: the recipe's entity.
        entities: Code of the entity whose windows it belongs to.
        times: When it happened, in microseconds since 1970, UTC.
        ingestions: Number of the ingestion that brought it.
        values: Each column that windows read; NaN where missing.
    """

    keys: Ints
    entities: Ints
    times: Ints
    ingestions: Ints
    values: dict[str, Floats]

    def where(self, chosen: NDArray[np.bool_] | Ints) -> "Rows":
        """Some of the rows."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return Rows(self.keys[chosen], self.entities[chosen], self.times[chosen], self.ingestions[chosen], values)

    def as_corrected(self) -> "Rows":
        """Each row once, as the newest ingestion has it, by entity and time.

        The same key and time in a later file, or later in the same one, is a correction. Rows of one entity and time
        are in the order in which they came.
        """
        came = np.empty(len(self.keys), dtype=np.int64)
        came[np.argsort(self.ingestions, kind="stable")] = np.arange(len(self.keys))
        order = np.lexsort((came, self.times, self.keys))
        keys, times = self.keys[order], self.times[order]
        is_last = np.ones(len(order), dtype=np.bool_)
        is_last[:-1] = (keys[1:] != keys[:-1]) | (times[1:] != times[:-1])
        newest = order[is_last]
        return self.where(newest[np.lexsort((came[newest], self.times[newest], self.entities[newest]))])

    def is_news(self, numbers: Ints) -> NDArray[np.bool_]:
        """Which rows say something else than the one before them of the same number, or are the first to tell."""
        order = np.lexsort((np.arange(len(numbers)), self.ingestions, numbers))
        is_other = np.ones(len(order), dtype=np.bool_)
        columns = [numbers, self.entities, *self.values.values()]
        is_other[1:] = np.any([_differ(column[order]) for column in columns], axis=0)
        found = np.empty(len(order), dtype=np.bool_)
        found[order] = is_other
        return found

    def numbers(self) -> Ints:
        """Number of what each row tells of, by key and time: a row's and its corrections' are the same."""
        order = np.lexsort((self.times, self.keys))
        keys, times = self.keys[order], self.times[order]
        is_other = np.zeros(len(order), dtype=np.int64)
        is_other[1:] = (keys[1:] != keys[:-1]) | (times[1:] != times[:-1])
        found = np.empty(len(order), dtype=np.int64)
        found[order] = np.cumsum(is_other)
        return found


def _differ(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Which entries differ from the one before them."""
    one, other = column[:-1], column[1:]
    return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)), dtype=np.bool_)


@dataclass(frozen=True)
class Records:
    """What windows held, one entry a record, by entity and time.

    Attributes:
        entities: Code of the entity.
        times: Time of the row that it belongs to, in microseconds.
        values: Records x windows, in the order of the group; NaN where there was nothing.
    """

    entities: Ints
    times: Ints
    values: Floats

    def of(self, entities: Ints) -> "Records":
        """Those of some entities."""
        chosen = np.isin(self.entities, entities)
        return Records(self.entities[chosen], self.times[chosen], self.values[chosen])


def records(group: FeatureGroup, rows: Rows) -> Records:
    """A record for every entity and time among the rows, also of a row that a correction has moved away."""
    order = np.lexsort((rows.times, rows.entities))
    entities, times = rows.entities[order], rows.times[order]
    is_moment = np.ones(len(order), dtype=np.bool_)
    is_moment[:-1] = (entities[1:] != entities[:-1]) | (times[1:] != times[:-1])
    entities, times = entities[is_moment], times[is_moment]
    rows = rows.as_corrected()
    ends = places(rows.entities, rows.times, entities, times, inclusive=True)
    columns = [_values(window, rows, entities, times, ends) for window in group.windows.values()]
    return Records(entities, times, np.column_stack(columns) if columns else np.empty((len(times), 0)))


def new_records(group: FeatureGroup, rows: Rows, ingestion: int) -> tuple[Records, NDArray[np.bool_]]:
    """The records that an ingestion adds or changes, and which of them it changes.

    Args:
        group: The windows.
        rows: Every row up to this ingestion that a window of its rows, or a later one, may hold.
        ingestion: Number of the ingestion.
    """
    brought = rows.ingestions == ingestion
    if not brought.any():
        none = np.empty(0, dtype=np.int64)
        return Records(none, none, np.empty((0, len(group.windows)))), none.astype(np.bool_)
    numbers = rows.numbers()
    touched = np.unique(rows.entities[np.isin(numbers, numbers[brought])])
    # Of their rows also those that a correction moved to another entity, to know them gone.
    read = rows.where(np.isin(numbers, numbers[np.isin(rows.entities, touched)]))
    after = records(group, read).of(touched)
    before = records(group, read.where(read.ingestions < ingestion)).of(touched)
    known, same = _compare(before, after)
    chosen = (after.times >= rows.times[brought].min()) & ~same
    return Records(after.entities[chosen], after.times[chosen], after.values[chosen]), known[chosen]


def _compare(before: Records, after: Records) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which records of `after` stand in `before`, and which with the same values."""
    ends = places(before.entities, before.times, after.entities, after.times, inclusive=True)
    starts = places(before.entities, before.times, after.entities, after.times, inclusive=False)
    known = ends > starts
    same = np.zeros(len(known), dtype=np.bool_)
    # To the last digit: a window's value is made of its own rows' values, in their order, and of nothing else.
    one, other = before.values[starts[known]], after.values[known]
    same[known] = ((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)
    return known, same


def _values(window: Window, rows: Rows, entities: Ints, times: Ints, ends: Ints) -> Floats:
    """One window at each moment; its rows are those later than `moment - over`, up to the moment."""
    starts = places(rows.entities, rows.times, entities, times - window.over_s * MICROSECONDS, inclusive=True)
    if window.column is None:
        return (ends - starts).astype(np.float64)
    column = rows.values[window.column]
    filled = np.cumsum(np.concatenate([[0], ~np.isnan(column)]))
    counts: Floats = (filled[ends] - filled[starts]).astype(np.float64)
    if window.function == "count":
        return counts
    found = np.full(len(ends), np.nan)
    some = counts > 0
    if window.function in ("sum", "mean"):
        totals = _sums(np.where(np.isnan(column), 0.0, column), starts[some], ends[some])
        found[some] = totals / counts[some] if window.function == "mean" else totals
    elif window.function == "last":
        newest = np.maximum.accumulate(np.where(np.isnan(column), -1, np.arange(len(column))))
        found[some] = column[newest[ends[some] - 1]]
    else:
        found[some] = _extremes(column, starts[some], ends[some], is_max=window.function == "max")
    return found


def _sums(column: Floats, starts: Ints, ends: Ints) -> Floats:
    """Sum of each slice, from those of slices whose length is a power of two: of its own values and no others.

    A difference of running sums would carry the digits of every value before it, another entity's too.
    """
    lengths, at = ends - starts, starts.copy()
    found = np.zeros(len(starts))
    level, step = column, 1
    with np.errstate(over="ignore"):  # of values near the largest the sum is infinite
        for power in range(int(lengths.max(initial=0)).bit_length()):
            has = (lengths >> power) & 1 == 1
            found[has] += level[at[has]]
            at[has] += step
            level = level[:-step] + level[step:]
            step *= 2
    return found


def _extremes(column: Floats, starts: Ints, ends: Ints, *, is_max: bool) -> Floats:
    """Smallest or largest value of each slice, from those of all slices whose length is a power of two."""
    better = np.fmax if is_max else np.fmin
    lengths = ends - starts
    levels = np.frexp(lengths.astype(np.float64))[1] - 1
    found = np.empty(len(starts))
    level, step = column, 1
    for power in range(int(levels.max(initial=0)) + 1):
        asked = levels == power
        found[asked] = better(level[starts[asked]], level[ends[asked] - step])
        if len(level) > step:
            level = better(level[:-step], level[step:])
        step *= 2
    return found
