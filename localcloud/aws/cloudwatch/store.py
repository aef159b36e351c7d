"""CloudWatch's state in SQLite: metrics, alarms with their history, dashboards.

A measurement is kept by the minute, or by the second where it is of high resolution, and only as long as AWS keeps
that resolution: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from localcloud.aws.cloudwatch.series import Bucket, SeriesKey

Kind = Literal["alarm", "change", "dashboard", "tags"]
Document = dict[str, Any]

SECOND_S, MINUTE_S = 1, 60
_KEPT_S = {SECOND_S: 3 * 3600, MINUTE_S: 15 * 24 * 3600}
_HISTORY_KEPT_S = 30 * 24 * 3600
_SCHEMA = """
create table if not exists series(
    id integer primary key, account text, region text, namespace text, name text, dimensions text, unit text,
    unique (account, region, namespace, name, dimensions, unit));
create table if not exists data(
    series integer, resolution integer, moment integer, count real, total real, low real, high real, sample text,
    primary key (series, resolution, moment)) without rowid;
create table if not exists documents(
    kind text, account text, region text, name text, document text, primary key (kind, account, region, name));
create table if not exists history(
    id integer primary key autoincrement, account text, region text, alarm text, moment real, item text);
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A document with where it belongs."""

    account: str
    region: str
    name: str
    document: Document


class Store:
    """Every method may be called from any thread. Measurements reach the disk with `flush`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        # Whoever measures, the event loop among them, never waits for the database.
        self._adding = threading.Lock()
        self._pending: dict[tuple[SeriesKey, int, int], Bucket] = {}
        self._ids: dict[SeriesKey, int] = {}
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + _SCHEMA)

    def close(self) -> None:
        """Writes what is pending and ends the use of the database."""
        with self._lock:
            self.flush()
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are kept together, or none is; nests."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    # Measurements -----------------------------------------------------------------------------------------------------

    def add(self, key: SeriesKey, moment: float, resolution: int, bucket: Bucket) -> None:
        """Adds measurements; they are read at once, and on disk with the next `flush`.

        Args:
            key: The metric.
            moment: Epoch seconds.
            resolution: SECOND_S or MINUTE_S.
            bucket: What was measured.
        """
        start = int(moment // resolution) * resolution
        with self._adding:
            self._pending.setdefault((key, resolution, start), Bucket()).merge(bucket)

    def flush(self) -> None:
        """Writes what is pending."""
        with self._lock:
            with self._adding:
                pending, self._pending = self._pending, {}
            if not pending:
                return
            with self.transaction():
                for (key, resolution, start), bucket in pending.items():
                    self._write(self._id_of(key), resolution, start, bucket)

    def forget_old(self, now: float) -> None:
        """Sums seconds up to minutes, and removes minutes, when they are older than they are kept.

        As on AWS, a metric that has no data any more is not listed any more, either.
        """
        with self.transaction():
            seconds_end = (int(now) - _KEPT_S[SECOND_S]) // MINUTE_S * MINUTE_S
            for series, moment, *numbers, sample in self._database.execute(
                "select series, moment, count, total, low, high, sample from data where resolution=? and moment<?",
                (SECOND_S, seconds_end),
            ).fetchall():
                self._write(series, MINUTE_S, moment // MINUTE_S * MINUTE_S, _bucket(numbers, sample))
            self._database.execute("delete from data where resolution=? and moment<?", (SECOND_S, seconds_end))
            oldest = int(now) - _KEPT_S[MINUTE_S]
            self._database.execute("delete from data where resolution=? and moment<?", (MINUTE_S, oldest))
            self._database.execute("delete from series where id not in (select series from data)")
            self._ids.clear()
            self._database.execute("delete from history where moment<?", (now - _HISTORY_KEPT_S,))

    def keys(self, account: str, region: str, namespace: str | None, name: str | None) -> list[SeriesKey]:
        """Metrics of an account and region, in order."""
        with self._lock:
            self.flush()
            rows = self._database.execute(
                "select namespace, name, dimensions, unit from series where account=? and region=? "
                "and (? is null or namespace=?) and (? is null or name=?) order by namespace, name, dimensions, unit",
                (account, region, namespace, namespace, name, name),
            ).fetchall()
        return [
            SeriesKey(account, region, row[0], row[1], tuple(map(tuple, json.loads(row[2]))), row[3]) for row in rows
        ]

    def read(self, keys: Sequence[SeriesKey], start: float, end: float, period_s: int) -> dict[int, Bucket]:
        """Measurements of some metrics together, by the start of their period.

        Args:
            keys: Metrics; usually one, or one a unit.
            start: Epoch seconds, rounded down to the start of a period.
            end: Epoch seconds; periods that begin here or later are left out.
            period_s: Length of a period.
        """
        first = int(start // period_s) * period_s
        found: dict[int, Bucket] = {}
        with self._lock:
            self.flush()
            for key in keys:
                for moment, *numbers, sample in self._database.execute(
                    "select moment, count, total, low, high, sample from data "
                    "where series=? and resolution in (1, 60) and moment>=? and moment<?",
                    (self._id_of(key), first, int(end)),
                ):
                    period = moment // period_s * period_s
                    if first <= period < end:
                        found.setdefault(period, Bucket()).merge(_bucket(numbers, sample))
        return found

    def _id_of(self, key: SeriesKey) -> int:
        known = self._ids.get(key)
        if known is not None:
            return known
        identity = (key.account, key.region, key.namespace, key.name, json.dumps(key.dimensions), key.unit)
        self._database.execute(
            "insert or ignore into series(account, region, namespace, name, dimensions, unit) values (?,?,?,?,?,?)",
            identity,
        )
        (found,) = self._database.execute(
            "select id from series where account=? and region=? and namespace=? and name=? and dimensions=? and unit=?",
            identity,
        ).fetchone()
        self._ids[key] = int(found)
        return int(found)

    def _write(self, series: int, resolution: int, start: int, bucket: Bucket) -> None:
        row = self._database.execute(
            "select count, total, low, high, sample from data where series=? and resolution=? and moment=?",
            (series, resolution, start),
        ).fetchone()
        if row is not None:
            bucket.merge(_bucket(row[:4], row[4]))
        sample = json.dumps(list(bucket.sample.items()))
        self._database.execute(
            "insert or replace into data values (?,?,?,?,?,?,?,?)",
            (series, resolution, start, bucket.count, bucket.total, bucket.low, bucket.high, sample),
        )

    # Documents --------------------------------------------------------------------------------------------------------

    def put(self, kind: Kind, account: str, region: str, name: str, document: Document) -> None:
        """Adds or replaces a document."""
        with self._lock:
            self._database.execute(
                "insert or replace into documents values (?,?,?,?,?)",
                (kind, account, region, name, json.dumps(document)),
            )

    def find(self, kind: Kind, account: str, region: str, name: str) -> Document | None:
        """A document, or None."""
        with self._lock:
            row = self._database.execute(
                "select document from documents where kind=? and account=? and region=? and name=?",
                (kind, account, region, name),
            ).fetchone()
        return json.loads(row[0]) if row else None

    def of_account(self, kind: Kind, account: str, region: str) -> list[Named]:
        """An account's documents in a region, by name."""
        return [one for one in self.all(kind) if (one.account, one.region) == (account, region)]

    def all(self, kind: Kind) -> list[Named]:
        """Documents of every account and region, by name."""
        with self._lock:
            rows = self._database.execute(
                "select account, region, name, document from documents where kind=? order by name", (kind,)
            ).fetchall()
        return [Named(row[0], row[1], row[2], json.loads(row[3])) for row in rows]

    def delete(self, kind: Kind, account: str, region: str, name: str) -> None:
        """Removes a document; an absent one is no fault."""
        with self._lock:
            self._database.execute(
                "delete from documents where kind=? and account=? and region=? and name=?",
                (kind, account, region, name),
            )

    def remember(self, account: str, region: str, alarm: str, moment: float, item: Document) -> None:
        """Adds to the history of an alarm."""
        with self._lock:
            self._database.execute(
                "insert into history(account, region, alarm, moment, item) values (?,?,?,?,?)",
                (account, region, alarm, moment, json.dumps(item)),
            )

    def history(self, account: str, region: str) -> list[Document]:
        """What happened to the alarms of an account and region, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "select item from history where account=? and region=? order by id", (account, region)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]


def _bucket(numbers: Sequence[float], sample: str) -> Bucket:
    count, total, low, high = numbers
    return Bucket(count, total, low, high, dict(json.loads(sample)))
