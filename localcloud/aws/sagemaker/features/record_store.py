"""The records in SQLite: the latest of each identifier, and those on their way to the offline store.

A record enters both in one transaction, so a killed process loses none of either.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.sagemaker.features.group import Record

_SCHEMA = """
create table if not exists online(
    feature_group text, identifier text, event_us integer, expires_us integer, is_deleted integer, feature_values text,
    primary key (feature_group, identifier)) without rowid;
create index if not exists expiry on online(expires_us) where expires_us is not null;
create table if not exists outgoing(
    id integer primary key autoincrement, feature_group text, event_us integer, invoked_at real, is_deleted integer,
    feature_values text, file text);
create index if not exists outgoing_group on outgoing(feature_group, file);
"""


@dataclass(frozen=True, slots=True)
class OnlineRecord:
    """The latest record of an identifier.

    Attributes:
        expires_us: When it ends, in microseconds since the epoch; None for never.
        is_deleted: Whether only its event time is left.
    """

    identifier: str
    event_us: int
    expires_us: int | None
    is_deleted: bool
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A record that the offline store does not have yet.

    Attributes:
        invoked_at: When the call came in, in epoch seconds.
        file: Key of the file that it goes into, below the group's folder; empty before one is chosen.
    """

    row: int
    event_us: int
    invoked_at: float
    is_deleted: bool
    values: Mapping[str, str]
    file: str


class RecordStore:
    """One database file; calls may come from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # A killed process loses nothing that it has committed; only a power cut could, and that is no promise here.
        self._database.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + _SCHEMA)

    def close(self) -> None:
        """Ends the use of the database."""
        with self._lock:
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

    def find(self, group: str, identifier: str) -> OnlineRecord | None:
        """The latest record, a deleted or expired one included."""
        with self._lock:
            row = self._database.execute(
                "select identifier,event_us,expires_us,is_deleted,feature_values from online "
                "where feature_group=? and identifier=?",
                (group, identifier),
            ).fetchone()
        return _online(row) if row else None

    def keep(self, group: str, record: Record, expires_us: int | None) -> None:
        """Makes a record the latest one."""
        with self._lock:
            self._database.execute(
                "insert or replace into online values (?,?,?,?,?,?)",
                (
                    group,
                    record.identifier,
                    record.event_us,
                    expires_us,
                    record.is_deleted,
                    json.dumps(dict(record.values)),
                ),
            )

    def forget(self, group: str, identifier: str) -> None:
        """Removes an identifier from the online store."""
        with self._lock:
            self._database.execute("delete from online where feature_group=? and identifier=?", (group, identifier))

    def page(self, group: str, after: str, size: int, now_us: int, *, with_deleted: bool) -> list[str]:
        """Identifiers behind `after`, in order, `size` at most."""
        deleted = "" if with_deleted else "and not is_deleted"
        with self._lock:
            rows = self._database.execute(
                "select identifier from online where feature_group=? and identifier>? and "  # noqa: S608  (ours)
                f"(expires_us is null or expires_us>?) {deleted} order by identifier limit ?",
                (group, after, now_us, size),
            ).fetchall()
        return [row[0] for row in rows]

    def first_expiry(self) -> int | None:
        """When the next record ends, in microseconds since the epoch."""
        with self._lock:
            moment: int | None = self._database.execute(
                "select min(expires_us) from online where expires_us is not null"
            ).fetchone()[0]
        return moment

    def expired(self, now_us: int) -> list[tuple[str, OnlineRecord]]:
        """Records that have ended, each with its group."""
        with self._lock:
            rows = self._database.execute(
                "select feature_group,identifier,event_us,expires_us,is_deleted,feature_values from online "
                "where expires_us<=?",
                (now_us,),
            ).fetchall()
        return [(row[0], _online(row[1:])) for row in rows]

    def send(self, group: str, record: Record, invoked_at: float) -> None:
        """Puts a record on its way to the offline store."""
        with self._lock:
            self._database.execute(
                "insert into outgoing(feature_group,event_us,invoked_at,is_deleted,feature_values,file) "
                "values (?,?,?,?,?,'')",
                (group, record.event_us, invoked_at, record.is_deleted, json.dumps(dict(record.values))),
            )

    def waiting_groups(self) -> dict[str, float]:
        """Groups with records on their way, and when the first of each came in."""
        with self._lock:
            rows = self._database.execute(
                "select feature_group,min(invoked_at) from outgoing group by feature_group"
            ).fetchall()
        return dict(rows)

    def outgoing(self, group: str, size: int) -> list[OutgoingRecord]:
        """The records of a group that are on their way, oldest first; those that have a file already come alone."""
        with self._lock:
            rows = self._outgoing(group, "file!=''", -1) or self._outgoing(group, "file=''", size)
        return [
            OutgoingRecord(row, event_us, invoked_at, bool(is_deleted), json.loads(text), file)
            for row, event_us, invoked_at, is_deleted, text, file in rows
        ]

    def assign(self, files: Mapping[str, Sequence[OutgoingRecord]]) -> None:
        """Chooses the file of each record, before it is written: one that is written twice is there once."""
        with self.transaction():
            self._database.executemany(
                "update outgoing set file=? where id=?",
                [(file, record.row) for file, records in files.items() for record in records],
            )

    def drop(self, records: Sequence[OutgoingRecord]) -> None:
        """Forgets records that the offline store has."""
        with self.transaction():
            self._database.executemany("delete from outgoing where id=?", [(record.row,) for record in records])

    def drop_group(self, group: str) -> None:
        """Forgets all records of a group."""
        with self.transaction():
            self._database.execute("delete from online where feature_group=?", (group,))
            self._database.execute("delete from outgoing where feature_group=?", (group,))

    def _outgoing(self, group: str, condition: str, size: int) -> list[tuple[int, int, float, int, str, str]]:
        rows: list[tuple[int, int, float, int, str, str]] = self._database.execute(
            "select id,event_us,invoked_at,is_deleted,feature_values,file from outgoing "  # noqa: S608  (ours)
            f"where feature_group=? and {condition} order by id limit ?",
            (group, size),
        ).fetchall()
        return rows


def _online(row: tuple[str, int, int | None, int, str]) -> OnlineRecord:
    identifier, event_us, expires_us, is_deleted, text = row
    return OnlineRecord(identifier, event_us, expires_us, bool(is_deleted), json.loads(text))
