"""What was known of entities at moments of the past: 5 million records, half a million questions.

The limit is DuckDB's own ASOF join by event time, which knows nothing of when a record was known and of corrections.
The peer is Feast with its DuckDB offline store, asked for the same features of the same file.
"""

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._contenders import Took, ask_peer, in_a_process, measurement, median
from benchmarks._report import Goal, report
from comal.point_in_time import point_in_time

PEER = "feast"
FEATURES = ["pace", "orders"]
_SHARE_OF_LIMIT = 0.8
_FASTER_THAN_FEAST = 5
_DAYS = 90
_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_FIRST = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_TIMES = pa.timestamp("us", "UTC")
# One record in a hundred is corrected.
_CORRECTED = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one pair of runs")
    options = parser.parse_args()
    rows, asked, entities, pairs = (500_000, 50_000, 10_000, 1) if options.quick else (5_000_000, 500_000, 100_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        _write_files(base, rows, asked, entities)
        ours, limit = [], []
        for _ in range(pairs):
            ours.append(in_a_process(_join, base))
            limit.append(in_a_process(_asof, base))
        lost, future = _check(base, asked)
        peer = ask_peer(PEER, "features", base, ",".join(FEATURES))
        lost_by_peer = asked - pq.read_metadata(base / "feast.parquet").num_rows if peer else None
    path = f"point-in-time join, {rows:,} records × {asked:,} questions"
    share = median(limit)["value"] / median(ours)["value"]
    report(
        [
            measurement(path, "comal", "ours", median(ours)),
            measurement(path, "DuckDB ASOF by event time alone", "limit", median(limit)),
            measurement(path, PEER, "peer", peer),
        ],
        [
            Goal("share of the limit", f">= {_SHARE_OF_LIMIT:.0%}", f"{share:.0%}", share >= _SHARE_OF_LIMIT),
            _faster(median(ours), peer),
            Goal("questions lost", "0", f"{lost} (Feast: {lost_by_peer})", lost == 0),
            Goal("answers from the future", "0", str(future), future == 0),
        ],
        as_json=options.json,
    )


def _faster(ours: Took, peer: Took | None) -> Goal:
    goal, wanted = f"against {PEER}", f">= {_FASTER_THAN_FEAST} ×"
    if peer is None:
        return Goal(goal, wanted, "peer absent", None)
    times = peer["value"] / ours["value"]
    return Goal(goal, wanted, f"{times:.1f} ×", times >= _FASTER_THAN_FEAST)


def _write_files(base: Path, rows: int, asked: int, entities: int) -> None:
    """Records that are known an hour late on average, some of them corrected; questions all over their time."""
    rng = np.random.default_rng(7)
    entity, happened = rng.integers(0, entities, rows), _FIRST + rng.integers(0, _DAYS * _DAY_US, rows)
    again = rng.choice(rows, rows // _CORRECTED, replace=False)
    entity[: len(again)], happened[: len(again)] = entity[again], happened[again]
    known = happened + rng.exponential(_HOUR_US, rows).astype(np.int64)
    columns = {"entity": entity, "event_timestamp": _times(happened), "known_at": _times(known)}
    values = {name: rng.normal(size=rows) for name in FEATURES}
    pq.write_table(pa.table({**columns, **values}), base / "records.parquet")
    questions = {
        "entity": rng.integers(0, entities, asked),
        "event_timestamp": _times(_FIRST + rng.integers(0, _DAYS * _DAY_US, asked)),
    }
    pq.write_table(pa.table(questions), base / "asked.parquet")


def _times(instants: np.ndarray) -> pa.Array:
    return pa.array(instants).cast(_TIMES)


def _join(base: Path) -> None:
    found = point_in_time(
        pq.read_table(base / "asked.parquet"),
        pq.read_table(base / "records.parquet"),
        entity="entity",
        time="event_timestamp",
        event_time="event_timestamp",
        known_at="known_at",
        features=FEATURES,
    )
    pq.write_table(found, base / "found.parquet")


def _asof(base: Path) -> None:
    asked, records = pq.read_table(base / "asked.parquet"), pq.read_table(base / "records.parquet")
    with duckdb.connect() as connection:
        connection.register("asked", asked)
        connection.register("records", records)
        features = ", ".join(f"records.{name}" for name in FEATURES)
        query = (
            f"select asked.*, {features} from asked asof left join records "
            "on asked.entity = records.entity and asked.event_timestamp > records.event_timestamp"
        )
        pq.write_table(connection.sql(query).to_arrow_table(), base / "asof.parquet")


def _check(base: Path, asked: int) -> tuple[int, int]:
    """Questions lost, and answers that are not those found by looking at every record of each question's entity."""
    found = pq.read_table(base / "found.parquet")
    assert found.select(["entity", "event_timestamp"]).equals(pq.read_table(base / "asked.parquet"))
    with duckdb.connect() as connection:
        connection.register("found", found.append_column("position", pa.array(range(found.num_rows))))
        records = pq.read_table(base / "records.parquet")
        connection.register("records", records.append_column("number", pa.array(range(records.num_rows))))
        differs = " or ".join(f"found.{name} is distinct from records.{name}" for name in FEATURES)
        ((wrong,),) = connection.sql(
            "with record as (select *, greatest(event_timestamp, known_at) as since from records),"
            " known as (select position, arg_max(number, (record.event_timestamp, since, number)) as number from found"
            " join record on found.entity = record.entity and since < found.event_timestamp group by position)"
            " select count(*) from found left join known using (position) left join records using (number)"
            f" where {differs}"
        ).fetchall()
    return asked - found.num_rows, wrong


if __name__ == "__main__":
    main()
