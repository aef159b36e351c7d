"""What was known at moments of the past, by DuckDB: every entity kept, nothing from the future.

A record counts from the later of two times: when it happened and when it was known. The newest by the first that counts
already is the one that was known. DuckDB's ASOF join looks at one time only
(https://duckdb.org/docs/stable/sql/query_syntax/from.html#as-of-joins): it finds the newest event time for
all. Whoever has a version of it that was known by then has the answer; for the others, a few, the records that were
overtaken before they were known are put aside first.
"""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NEWEST = """
create temp table newest as
select asked.position, asked.entity, asked.time, record.event_time
from asked asof join record on asked.entity = record.entity and asked.time > record.event_time
"""
_KNOWN = """
create temp table known as
select newest.position, arg_max(record.number, (record.since, record.number)) as number
from newest join record using (entity, event_time) where record.since < newest.time
group by newest.position
"""
_ANSWER = """
with late as (select * from newest anti join known using (position)),
standing as (
    select * from record semi join late using (entity) qualify event_time = max(event_time) over (
        partition by entity order by since, event_time, number rows unbounded preceding
    )
),
latest as (
    select late.position, standing.entity, standing.since from late asof join standing
    on late.entity = standing.entity and late.time > standing.since
),
settled as (
    select latest.position, arg_max(standing.number, (standing.event_time, standing.number)) as number
    from latest join standing using (entity, since) group by latest.position
)
select position, number from asked left join (from known union all from settled) using (position)
order by position
"""
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
    # An optional dependency: the extra `features`.
    import duckdb

    happened, since = _instants(records[event_time]), _instants(records[known_at])
    since, times = np.maximum(happened, since), _instants(asked[time])
    record = {
        "entity": records[entity],
        "event_time": happened,
        "since": since,
        "number": np.arange(records.num_rows),
    }
    with duckdb.connect() as connection:
        connection.register(
            "asked", pa.table({"position": np.arange(asked.num_rows), "entity": asked[entity], "time": times})
        )
        connection.register("record", pa.table(record))
        connection.execute(_NEWEST)
        connection.execute(_KNOWN)
        found = connection.sql(_ANSWER).to_arrow_table()["number"]
    if ttl is not None:
        age = pc.subtract(pa.array(times), pa.array(since, pa.int64()).take(found))
        found = pc.if_else(pc.less(age, ttl // timedelta(microseconds=1)), found, None)
    for name in features:
        asked = asked.append_column(name, records[name].take(found))
    return asked


def _instants(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Timestamps in microseconds since 1970; without a zone they are UTC."""
    if column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    instants: NDArray[np.int64] = column.cast(_MICROSECONDS).cast(pa.int64()).to_numpy()
    return instants
