"""What was known at moments of the past, by DuckDB: every entity kept, nothing from the future.

A record counts from the later of two times: when it happened and when it was known. The newest by the first that counts
already is the one that was known. DuckDB's ASOF join looks at one time only
(https://duckdb.org/docs/stable/sql/query_syntax/from.html#as-of-joins): it finds the newest record by event time for
all questions. Where that one was known by then, and no other has the same time, it is the answer. The other questions,
a few, are asked again: of all records of their entities, or where those are too many, of the records that stood.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import duckdb

_NEWEST = """
select position, number
from asked asof join record on asked.entity = record.entity and asked.time > record.event_time
"""
# Of several records of one entity and time the join takes any.
_SEVERAL = """
with alike as (select entity, event_time from record semi join newest using (entity, event_time)),
several as (select entity, event_time from alike group by all having count(*) > 1)
select position from newest semi join several using (entity, event_time)
"""
_WEIGHT = "select count(*) from again join sample using (entity)"
_BY_PAIRS = """
select position, arg_max(number, (event_time, greatest(event_time, known_at), number)) as number
from again join record
on again.entity = record.entity and again.time > record.event_time and again.time > record.known_at
group by position
"""
# A record stands from the moment it is known if none that happened later was known before.
_BY_STANDING = """
with standing as materialized (
    select *, greatest(event_time, known_at) as since from record semi join again using (entity)
    qualify event_time = max(event_time) over (partition by entity order by since rows unbounded preceding)
),
latest as (
    select again.position, standing.entity, standing.since from again asof join standing
    on again.entity = standing.entity and again.time > standing.since
)
select position, arg_max(number, (event_time, number)) as number
from latest join standing using (entity, since) group by position
"""
# Pairs of a question and a record that cost less than to sort the records.
_PAIRS = 20_000_000
_SAMPLE = 50_000
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

    happened, known = _utc(records[event_time]), _utc(records[known_at])
    times, entities = _utc(asked[time]), records[entity]
    numbers = np.arange(records.num_rows, dtype=np.int32)
    record = pa.table({"entity": entities, "event_time": happened, "known_at": known, "number": numbers})
    with duckdb.connect() as connection:
        connection.register("record", record)
        positions = np.arange(asked.num_rows)
        connection.register("asked", pa.table({"position": positions, "entity": asked[entity], "time": times}))
        found = _numbers(connection, asked[entity], times, record)
    if ttl is not None:
        happened_late, known_late = (pc.less(pc.subtract(times, one.take(found)), ttl) for one in (happened, known))
        found = pc.if_else(pc.or_(happened_late, known_late), found, None)
    for name in features:
        asked = asked.append_column(name, records[name].take(found))
    return asked


def _numbers(
    connection: "duckdb.DuckDBPyConnection",
    asked: pa.ChunkedArray,
    times: pa.ChunkedArray,
    record: pa.Table,
) -> pa.Array:
    """Which record answers each question; null where none does.

    Args:
        connection: Has the tables `asked` and `record`.
        asked: Entity of each question.
        times: Its time.
        record: That table.
    """
    newest = connection.sql(_NEWEST).fetchnumpy()
    found = np.full(len(times), -1, dtype=np.int32)
    position, number = newest["position"], newest["number"]
    found[position] = number
    answers = record.take(number)
    connection.register("newest", answers.append_column("position", pa.array(position)))
    late = pc.greater_equal(answers["known_at"], times.take(position)).to_numpy()
    again = np.union1d(position[late], connection.sql(_SEVERAL).fetchnumpy()["position"])
    found[again] = -1
    connection.register("again", pa.table({"position": again, "entity": asked.take(again), "time": times.take(again)}))
    every = max(1, record.num_rows // _SAMPLE)
    connection.register("sample", record.select(["entity"]).take(np.arange(0, record.num_rows, every)))
    ((weight,),) = connection.sql(_WEIGHT).fetchall()
    asked_again = connection.sql(_BY_PAIRS if weight * every <= _PAIRS else _BY_STANDING).fetchnumpy()
    found[asked_again["position"]] = asked_again["number"]
    return pa.array(found, mask=found < 0)


def _utc(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Timestamps in microseconds; without a zone they are UTC."""
    if column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    return column.cast(_MICROSECONDS)
