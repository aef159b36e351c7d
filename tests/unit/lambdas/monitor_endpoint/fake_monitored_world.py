"""DynamoDB, S3 and a bus in memory; any step may be the function's last, or be interrupted by another delivery."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comal.names import Names
from comal.recipe import Recipe
from lambdas.monitor_endpoint.comparison import References
from lambdas.monitor_endpoint.logic import Monitoring
from lambdas.monitor_endpoint.monitoring_table import MonitoringTable

NAMES = Names("dev", "000000000000", "us-east-1")


class CrashError(Exception):
    """The function's process died."""


@dataclass
class Steps:
    """Counts the steps and does something in the midst of one of them."""

    left: int = -1
    surprise: Callable[[], None] | None = None

    def take(self) -> None:
        self.left -= 1
        if self.left == 0 and self.surprise:
            surprise, self.surprise = self.surprise, None
            surprise()


class _ConditionalError(Exception):
    pass


class FakeDynamoDB:
    """As much of DynamoDB as MonitoringTable speaks; every call is a step before and after its effect."""

    class exceptions:  # noqa: N801 - boto3's name
        TransactionCanceledException = _ConditionalError

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.items: dict[tuple[str, str], dict[str, Any]] = {}

    def put_item(self, **request: Any) -> None:
        item = request["Item"]
        self.steps.take()
        self.items[_key(item)] = copy.deepcopy(item)
        self.steps.take()

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ConsistentRead"]
        found = self.items.get(_key(request["Key"]))
        self.steps.take()
        return {"Item": copy.deepcopy(found)} if found else {}

    def update_item(self, **request: Any) -> None:
        key = request["Key"]
        self.steps.take()
        assert request["UpdateExpression"] == "SET #name = :value"
        name = request["ExpressionAttributeNames"]["#name"]
        self.items.setdefault(_key(key), dict(key))[name] = request["ExpressionAttributeValues"][":value"]
        self.steps.take()

    def transact_write_items(self, **request: Any) -> None:
        self.steps.take()
        puts = [write["Put"] for write in request["TransactItems"]]
        assert len({_key(put["Item"]) for put in puts}) == len(puts) <= 100
        if not all(map(self._holds, puts)):
            raise _ConditionalError
        for put in puts:
            self.items[_key(put["Item"])] = copy.deepcopy(put["Item"])
        self.steps.take()

    def _holds(self, put: dict[str, Any]) -> bool:
        known = self.items.get(_key(put["Item"]))
        if put["ConditionExpression"] == "attribute_not_exists(pk)":
            return known is None
        assert put["ConditionExpression"] == "#counter = :seen"
        name = put["ExpressionAttributeNames"]["#counter"]
        return known is not None and known[name] == put["ExpressionAttributeValues"][":seen"]

    def get_paginator(self, operation: str) -> "FakeDynamoDB":
        assert operation == "query"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        values = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
        found = [
            item
            for key, item in sorted(self.items.items(), reverse=not request["ScanIndexForward"])
            if key[0] == values[":model"] and values[":low"] <= key[1] <= values[":high"]
        ]
        self.steps.take()
        yield {"Items": copy.deepcopy(found)}


@dataclass
class FakeBuckets:
    """Implements Buckets with files in memory."""

    deployed: Recipe
    reference: References
    steps: Steps
    capture: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def recipe(self, model: str) -> Recipe:
        return self.deployed

    def references(self, model: str, version: int) -> References:
        return self.reference

    def validated_profiles(self, *_: Any) -> Iterator[Any]:
        return iter(())

    def fetch(self, bucket: str, key: str, path: Path, version_id: str | None = None) -> bool:
        path.write_bytes(self.capture[key])
        return True

    def download(self, key: str, path: Path) -> Path:
        path.write_bytes(self.files[key])
        return path

    def file_rows(self, path: Path, key: str) -> None:
        self.steps.take()
        self.files[key] = path.read_bytes()
        self.steps.take()

    def file_text(self, text: str, key: str, content_type: str) -> None:
        self.steps.take()
        self.files[key] = text.encode()
        self.steps.take()


@dataclass
class FakeBus:
    """Keeps what was emitted, by event id."""

    steps: Steps
    events: dict[str, Any] = field(default_factory=dict)

    def emit(self, event: Any, time: Any) -> None:
        self.steps.take()
        assert self.events.setdefault(event.event_id, event) == event
        self.steps.take()


def make_monitoring(recipe: Recipe, reference: References, steps: Steps) -> Monitoring:
    table: Any = MonitoringTable(FakeDynamoDB(steps), "monitoring")
    buckets: Any = FakeBuckets(recipe, reference, steps)
    bus: Any = FakeBus(steps)
    return Monitoring(NAMES, table, buckets, bus, lambda *_: None, lambda _: None)


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
