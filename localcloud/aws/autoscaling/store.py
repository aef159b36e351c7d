"""Application Auto Scaling's state in SQLite: targets, policies, scheduled actions and activities."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from localcloud.aws.autoscaling.variant import Variant

Kind = Literal["target", "policy", "action", "activity"]
Document = dict[str, Any]

_SCHEMA = """
create table if not exists documents(
    id integer primary key autoincrement, kind text, account text, region text, resource_id text, name text,
    document text, unique (kind, account, region, resource_id, name));
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a variant. `position` grows with each new one and stays when it is changed."""

    position: int
    variant: Variant
    name: str
    document: Document


class Store:
    """Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
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

    def put(self, kind: Kind, variant: Variant, name: str, document: Document) -> None:
        """Adds or replaces a document; a target has the empty name."""
        values = (kind, variant.account, variant.region, variant.resource_id, name, json.dumps(document))
        with self._lock:
            self._database.execute(
                "insert into documents(kind,account,region,resource_id,name,document) values (?,?,?,?,?,?) "
                "on conflict(kind,account,region,resource_id,name) do update set document=excluded.document",
                values,
            )

    def find(self, kind: Kind, variant: Variant, name: str = "") -> Document | None:
        """A document, or None."""
        found = self._select("kind=? and account=? and region=? and resource_id=? and name=?", kind, variant, name)
        return found[0].document if found else None

    def of_variant(self, kind: Kind, variant: Variant) -> list[Entry]:
        """A variant's documents, oldest first."""
        return self._select("kind=? and account=? and region=? and resource_id=?", kind, variant)

    def of_account(self, kind: Kind, account: str, region: str) -> list[Entry]:
        """An account's documents in a region, oldest first."""
        return self._query("kind=? and account=? and region=?", (kind, account, region))

    def all(self, kind: Kind) -> list[Entry]:
        """Documents of every account and region, oldest first."""
        return self._query("kind=?", (kind,))

    def delete(self, kind: Kind, variant: Variant, name: str = "") -> None:
        """Removes a document; an absent one is no fault."""
        with self._lock:
            self._database.execute(
                "delete from documents where kind=? and account=? and region=? and resource_id=? and name=?",
                (kind, variant.account, variant.region, variant.resource_id, name),
            )

    def _select(self, where: str, kind: Kind, variant: Variant, *more: str) -> list[Entry]:
        return self._query(where, (kind, variant.account, variant.region, variant.resource_id, *more))

    def _query(self, where: str, arguments: tuple[str, ...]) -> list[Entry]:
        columns = "id,account,region,resource_id,name,document"
        query = f"select {columns} from documents where {where} order by id"  # noqa: S608  (SQL of ours)
        with self._lock:
            rows = self._database.execute(query, arguments).fetchall()
        return [Entry(row[0], Variant(row[1], row[2], row[3]), row[4], json.loads(row[5])) for row in rows]
