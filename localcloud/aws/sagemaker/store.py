"""SageMaker's state in SQLite: resources, tags, and the events that still have to go out.

A status change and its event are one transaction, so a killed process neither loses nor invents an event.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.scope import Scope

Document = dict[str, Any]

_SCHEMA = """
create table if not exists resources(
    account text, region text, family text, name text, parent text, status text, approval text,
    created_at real, modified_at real, document text,
    primary key (account, region, family, name));
create table if not exists tags(arn text, key text, value text, primary key (arn, key));
create table if not exists outbox(
    id integer primary key autoincrement, account text, region text, detail_type text, resource text, detail text);
"""


@dataclass(frozen=True, slots=True)
class Resource:
    """One stored resource. `document` is what Describe answers; its timestamps are seconds since the epoch.

    Attributes:
        name: Unique in the family; looked up without regard to case.
        parent: Name of the owning resource (a package's group), or empty.
        status: What `StatusEquals` compares.
        approval: What `ModelApprovalStatus` compares.
    """

    scope: Scope
    family: str
    name: str
    document: Document
    parent: str = ""
    status: str = ""
    approval: str = ""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that EventBridge has not taken yet, or not yet for good."""

    event_id: int
    scope: Scope
    detail_type: str
    resource: str
    detail: Document


class DuplicateError(Exception):
    """A resource of this family has this name already."""


class Store:
    """All of SageMaker's state. Every method may be called from any thread."""

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

    def insert(self, resource: Resource) -> None:
        """Adds a resource.

        Raises:
            DuplicateError: The name is taken.
        """
        try:
            with self._lock:
                self._database.execute("insert into resources values (?,?,?,?,?,?,?,?,?,?)", _row(resource))
        except sqlite3.IntegrityError:
            raise DuplicateError(resource.name) from None

    def replace(self, resource: Resource) -> None:
        """Writes a resource anew."""
        with self._lock:
            self._database.execute("insert or replace into resources values (?,?,?,?,?,?,?,?,?,?)", _row(resource))

    def find(self, scope: Scope, family: str, name: str) -> Resource | None:
        """The resource with this name, or None."""
        found = self.select(family, "account=? and region=? and name=?", (scope.account, scope.region, name.lower()))
        return found[0] if found else None

    def select(self, family: str, where: str, arguments: Sequence[Any], tail: str = "") -> list[Resource]:
        """Resources of a family; `where` and `tail` are SQL of ours, never of a caller."""
        query = (
            f"select account,region,document,parent,status,approval from resources where family=? and {where} {tail}"  # noqa: S608
        )
        with self._lock:
            rows = self._database.execute(query, (family, *arguments)).fetchall()
        return [_resource(family, row) for row in rows]

    def delete(self, resource: Resource, arn: str) -> None:
        """Removes a resource and its tags."""
        with self.transaction():
            self._database.execute(
                "delete from resources where account=? and region=? and family=? and name=?",
                (resource.scope.account, resource.scope.region, resource.family, resource.name.lower()),
            )
            self._database.execute("delete from tags where arn=?", (arn,))

    def set_tags(self, arn: str, tags: Sequence[Mapping[str, str]]) -> None:
        """Adds tags, or changes their values."""
        with self.transaction():
            for tag in tags:
                self._database.execute(
                    "insert into tags values (?,?,?) on conflict(arn,key) do update set value=excluded.value",
                    (arn, tag["Key"], tag["Value"]),
                )

    def remove_tags(self, arn: str, keys: Sequence[str]) -> None:
        """Removes tags; absent ones are no fault."""
        with self.transaction():
            for key in keys:
                self._database.execute("delete from tags where arn=? and key=?", (arn, key))

    def tags(self, arn: str) -> dict[str, str]:
        """Tags of a resource, oldest first."""
        with self._lock:
            rows = self._database.execute("select key,value from tags where arn=? order by rowid", (arn,)).fetchall()
        return dict(rows)

    def add_event(self, scope: Scope, detail_type: str, resource_arn: str, detail: Document) -> None:
        """Puts an event into the outbox."""
        with self._lock:
            self._database.execute(
                "insert into outbox(account,region,detail_type,resource,detail) values (?,?,?,?,?)",
                (scope.account, scope.region, detail_type, resource_arn, json.dumps(detail)),
            )

    def pending_events(self, after: int) -> list[PendingEvent]:
        """What the outbox holds beyond the event with this id, oldest first."""
        with self._lock:
            rows = self._database.execute(
                "select id,account,region,detail_type,resource,detail from outbox where id>? order by id limit 100",
                (after,),
            ).fetchall()
        return [PendingEvent(row[0], Scope(row[1], row[2]), row[3], row[4], json.loads(row[5])) for row in rows]

    def drop_event(self, event_id: int) -> None:
        """Forgets an event that EventBridge has taken for good."""
        with self._lock:
            self._database.execute("delete from outbox where id=?", (event_id,))


def _row(resource: Resource) -> tuple[Any, ...]:
    document = resource.document
    created_at = document["CreationTime"]
    return (
        resource.scope.account,
        resource.scope.region,
        resource.family,
        resource.name.lower(),
        resource.parent.lower(),
        resource.status,
        resource.approval,
        created_at,
        document.get("LastModifiedTime", created_at),
        json.dumps({"": resource.name, **document}),
    )


def _resource(family: str, row: tuple[Any, ...]) -> Resource:
    account, region, text, parent, status, approval = row
    document: Document = json.loads(text)
    name: str = document.pop("")
    return Resource(Scope(account, region), family, name, document, parent, status, approval)
