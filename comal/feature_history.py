"""Records as they came to be known, and which of them counts at a moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comal.feature_group import FeatureGroup
from comal.feature_windows import MICROSECONDS, Floats, Records, Rows, new_records
from comal.time_order import Ints, newest_known


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


def new_history(group: FeatureGroup, rows: Rows, ingestion: int, ingested_at: int) -> History:
    """What an ingestion writes.

    A record is known with its file, or `delay` after its row if that is earlier: then a history that came at once reads
    as if it had come in time. Not so one of a row that is no later than what was told of its entity before: it is late,
    or a correction, and known with its file, since what was answered meanwhile did not know it. A record that was
    written before with other values is always known later than before: also one whose clock is ahead of ours, which is
    known when it says that it happens.

    Args:
        group: The windows.
        rows: As `new_records` takes them.
        ingestion: Number of the ingestion.
        ingested_at: When it was, in microseconds since 1970, UTC; later than every earlier one.
    """
    new, is_change = new_records(group, rows, ingestion)
    known = np.full(len(new.times), ingested_at, dtype=np.int64)
    if group.delay_s is not None:
        timely = np.minimum(known, new.times + group.delay_s * MICROSECONDS)
        known = np.where(_is_later(new, rows.where(rows.ingestions < ingestion)), timely, known)
    return History(new, np.maximum(known, new.times + np.where(is_change, ingestion, 0)))


def _is_later(new: Records, told: Rows) -> NDArray[np.bool_]:
    """Which records are of rows later than all that were told of their entities."""
    newest = np.full(max(new.entities.max(initial=0), told.entities.max(initial=0)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(newest, told.entities, told.times)
    return np.asarray(new.times > newest[new.entities], dtype=np.bool_)
