"""What was known at moments of the past, by DuckDB: every entity kept, nothing from the future.

A record counts from the later of two times: when it happened and when it was known. The newest by the first that counts
already is the one that was known. DuckDB's ASOF join looks at one time only
(https://duckdb.org/docs/stable/sql/query_syntax/from.html#as-of-joins): it finds the newest record by event time for
all, which is the answer but for the few whose newest was not known yet or was corrected; for those the records that
were overtaken before they were known are put aside first.
"""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NEWEST = """
create temp table newest as
select asked.position, asked.entity, asked.time, record.event_time,
       coalesce(record.since >= asked.time, false) as is_late, {values}
from asked asof left join record on asked.entity = record.entity and asked.time > record.event_time
"""
_DOUBTFUL = """
create temp table doubtful as
with corrected as (
    select entity, event_time from record semi join newest using (entity, event_time)
    group by all having count(*) > 1
)
select position, entity, time from newest where is_late
union select position, entity, time from newest semi join corrected using (entity, event_time)
"""
_ANSWER = """
with standing as (
    select * from record semi join doubtful using (entity) qualify event_time = max(event_time) over (
        partition by entity order by since, event_time, number rows unbounded preceding
    )
),
last_standing as (
    -- Of several that count from the same moment the last: an ASOF join takes any.
    select * from standing qualify row_number() over (
        partition by entity, since order by event_time desc, number desc
    ) = 1
),
settled as (
    select asked.position, {values}
    from doubtful as asked asof left join last_standing as record
    on asked.entity = record.entity and asked.time > record.since
)
select position, {names} from newest anti join doubtful using (position)
union all select position, {names} from settled
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
    values = {f"feature_{number}": records[name] for number, name in enumerate(features)}
    record = {
        "entity": records[entity],
        "event_time": happened,
        "since": np.maximum(happened, since),
        "number": np.arange(records.num_rows),
        **values,
    }
    asks = {"position": np.arange(asked.num_rows), "entity": asked[entity], "time": _instants(asked[time])}
    alive = "true" if ttl is None else f"record.since > asked.time - {ttl // timedelta(microseconds=1)}"
    names = {
        "values": ", ".join(f"case when {alive} then record.{name} end as {name}" for name in values),
        "names": ", ".join(values),
    }
    with duckdb.connect() as connection:
        connection.register("asked", pa.table(asks))
        connection.register("record", pa.table(record))
        connection.execute(_NEWEST.format(**names))
        connection.execute(_DOUBTFUL)
        found = connection.sql(_ANSWER.format(**names)).to_arrow_table()
    for name, carried_name in zip(features, values, strict=True):
        asked = asked.append_column(name, found[carried_name])
    return asked


def _instants(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Timestamps in microseconds since 1970; without a zone they are UTC."""
    if column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    instants: NDArray[np.int64] = column.cast(_MICROSECONDS).cast(pa.int64()).to_numpy()
    return instants
