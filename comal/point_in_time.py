"""What was known at moments of the past: every entity kept, nothing from the future."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comal.time_order import Ints, newest_known

_LIMITS = np.iinfo(np.int64)
_MICROSECONDS = pa.timestamp("us", "UTC")


def point_in_time(
    asked: pa.Table,
    records: pa.Table,
    *,
    entity: str,
    time: str,
    event_time: str,
    known_at: str,
    features: list[str],
    ttl: timedelta | None = None,
) -> pa.Table:
    """The features of each row's entity, as they were known just before the row's time.

    A record counts from the later of two times: when it happened and when it was known.

    Args:
        asked: Rows with an entity and a time.
        records: Features with the same entity column, when they happened and when they were known; of several with the
            same times the later row counts.
        entity: Column of both tables that says whom a row is about.
        time: Column of `asked`, a timestamp.
        event_time: Column of `records`, a timestamp.
        known_at: Column of `records`, a timestamp.
        features: Columns of `records` to add.
        ttl: Age, by the later of a record's times, at which it no longer counts.

    Returns:
        `asked`, every row in its place, with the features; null where nothing was known.
    """
    names = pc.drop_null(pc.unique(asked[entity]))
    # Rows without entity or time: a moment before all records, records of nobody and after all moments.
    of_entities = _codes(asked[entity], names, if_none=len(names))
    entities = _codes(records[entity], names, if_none=-1)
    times = _instants(asked[time], if_none=_LIMITS.min)
    happened = _instants(records[event_time], if_none=_LIMITS.max)
    since = np.maximum(happened, _instants(records[known_at], if_none=_LIMITS.max))
    found = newest_known(entities, happened, since, of_entities, times)
    is_told = found >= 0
    if ttl is not None:
        is_told[is_told] = times[is_told] - since[found[is_told]] < ttl // timedelta(microseconds=1)
    position = pa.array(found, mask=~is_told)
    for name in features:
        asked = asked.append_column(name, records[name].take(position))
    return asked


def _codes(column: pa.ChunkedArray, names: pa.Array, *, if_none: int) -> Ints:
    """Place of each value among the names."""
    values = names.cast(column.type)
    codes: Ints = pc.fill_null(pc.index_in(column, value_set=values), if_none).to_numpy().astype(np.int64)
    return codes


def _instants(column: pa.ChunkedArray, *, if_none: int) -> Ints:
    """Microseconds since 1970; timestamps without a zone are UTC."""
    if column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    instants: Ints = pc.fill_null(column.cast(_MICROSECONDS).cast(pa.int64()), if_none).to_numpy()
    return instants
