"""Records as they came to be known, and which of them counts at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comal.feature_group import FeatureGroup
from comal.feature_windows import MICROSECONDS, Floats, Records, Rows, new_records
from comal.time_order import Ints, newest_known, places

_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class History:
    """Records in the order in which they were written.

    Attributes:
        records: What windows held.
        known_at: When each record was known, in microseconds since 1970, UTC; never before its row.
    """

    records: Records
    known_at: Ints

    def at(self, entities: Ints, times: Ints, ttl_s: int) -> Floats:
        """What was known of entities just before moments: moments x windows, NaN where nothing was.

        Of the records known by then the newest row's counts, of several of the same row the one written last.
        """
        rows = self.records
        position = newest_known(rows.entities, rows.times, self.known_at, entities, times)
        counts = position >= 0
        counts[counts] = self.known_at[position[counts]] > times[counts] - ttl_s * MICROSECONDS
        found = np.full((len(times), rows.values.shape[1]), np.nan)
        found[counts] = rows.values[position[counts]]
        return found

    def newest(self) -> Ints:
        """Position of the record of each entity that counts now."""
        entities = np.unique(self.records.entities)
        at_last = np.full(len(entities), np.iinfo(np.int64).max)
        return newest_known(self.records.entities, self.records.times, self.known_at, entities, at_last)


def new_history(group: FeatureGroup, rows: Rows, ingestion: int, came_at: Mapping[int, int]) -> History:
    """What an ingestion writes.

    A record is known with its file, or `delay` after its row if that is earlier: then a history that came at once reads
    as if it had come in time. Not so one of a row that is no later than what was told of its entity before: it is late,
    or a correction, and known with its file, since what was answered meanwhile did not know it. Nor one that would be
    known before a late row or a correction of its entity, which its windows may hold. A record that was written before
    with other values is always known later than before: also one whose clock is ahead of ours, which is known when it
    says that it happens.

    Args:
        group: The windows.
        rows: As `new_records` takes them.
        ingestion: Number of the ingestion.
        came_at: When each ingestion of the rows was, in microseconds since 1970, UTC; each later than those before it.
    """
    new, is_change = new_records(group, rows, ingestion)
    known = np.full(len(new.times), came_at[ingestion], dtype=np.int64)
    if group.delay_s is not None and len(new.times):
        timely = np.minimum(known, new.times + group.delay_s * MICROSECONDS)
        is_timely = _is_later(new, rows.where(rows.ingestions < ingestion)) & (
            timely > _last_told_late(rows, came_at)[new.entities]
        )
        known = np.where(is_timely, timely, known)
    return History(new, np.maximum(known, new.times + np.where(is_change, ingestion, 0)))


def _is_later(new: Records, told: Rows) -> NDArray[np.bool_]:
    """Which records are of rows later than all that were told of their entities."""
    newest = np.full(max(new.entities.max(initial=0), told.entities.max(initial=0)) + 1, _NEVER)
    np.maximum.at(newest, told.entities, told.times)
    return np.asarray(new.times > newest[new.entities], dtype=np.bool_)


def _last_told_late(rows: Rows, came_at: Mapping[int, int]) -> Ints:
    """For each entity when something last came that was not later than what had been told of it, or took a row away."""
    numbers = np.array(sorted(came_at), dtype=np.int64)
    came = np.array([came_at[number] for number in numbers.tolist()], dtype=np.int64)[
        np.searchsorted(numbers, rows.ingestions)
    ]
    row = rows.numbers()
    is_news = rows.is_news(row)
    last = np.full(rows.entities.max() + 1, _NEVER)

    order = np.lexsort((rows.ingestions, rows.entities))
    entities, ingestions = rows.entities[order], rows.ingestions[order]
    progress = entities * (len(order) + 1) + np.unique(rows.times[order], return_inverse=True)[1]
    told_before = places(entities, ingestions, entities, ingestions, inclusive=False)
    reached = np.concatenate([[-1], np.maximum.accumulate(progress)])[told_before]
    is_late = (progress <= reached) & is_news[order]
    np.maximum.at(last, entities[is_late], came[order][is_late])

    told_again = np.full(row.max() + 1, _NEVER)
    np.maximum.at(told_again, row[is_news], came[is_news])
    is_corrected = told_again[row] > came
    np.maximum.at(last, rows.entities[is_corrected], told_again[row][is_corrected])
    return last
