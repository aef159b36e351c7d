"""Histories of records against a slow and obvious reference: the online store holds the latest, whatever the order."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.aws.clock import Clock
from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.errors import ApiError
from localcloud.aws.sagemaker.families import FEATURE_GROUP
from localcloud.aws.sagemaker.features.group import FeatureGroup
from localcloud.aws.sagemaker.features.record_store import RecordStore
from localcloud.aws.sagemaker.features.records import Records
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Store

SCOPE = Scope("000000000000", "us-east-1")
START = 1_000_000
GROUP = {
    "RecordIdentifierFeatureName": "id",
    "EventTimeFeatureName": "at",
    "FeatureDefinitions": [
        {"FeatureName": "id", "FeatureType": "String"},
        {"FeatureName": "at", "FeatureType": "Fractional"},
        {"FeatureName": "value", "FeatureType": "Integral"},
    ],
    "OnlineStoreConfig": {"EnableOnlineStore": True},
    "OfflineStoreConfig": {},
    "FeatureGroupStatus": "Created",
}
moments = st.integers(0, 12)
identifiers = st.sampled_from("ab")
steps = st.one_of(
    st.tuples(st.just("put"), identifiers, moments, st.none() | st.integers(1, 6)),
    st.tuples(st.just("soft"), identifiers, moments, st.none()),
    st.tuples(st.just("hard"), identifiers, moments, st.none()),
    st.tuples(st.just("wait"), identifiers, st.integers(1, 5), st.none()),
)


class Reference:
    """Each identifier's latest: event time, end, value; a value of None is a soft deletion."""

    def __init__(self) -> None:
        self.now = 0
        self.latest: dict[str, tuple[int, float, int | None]] = {}
        self.offline: list[tuple[str, int, int | None]] = []

    def live(self, identifier: str) -> tuple[int, float, int | None] | None:
        found = self.latest.get(identifier)
        if found and found[1] <= self.now:
            del self.latest[identifier]
            self.offline.append((identifier, int(found[1]), None))
            return None
        return found

    def put(self, identifier: str, at: int, life: int | None, value: int) -> None:
        found = self.live(identifier)
        if found is None or at > found[0]:
            self.latest[identifier] = (at, at + life if life else float("inf"), value)
        self.offline.append((identifier, at, value))

    def delete(self, identifier: str, at: int, *, hard: bool) -> bool:
        found = self.live(identifier)
        is_newer = found is None or at > found[0]
        if hard and not is_newer:
            return False
        if is_newer:
            self.latest.pop(identifier, None)
            if not hard:
                self.latest[identifier] = (at, float("inf"), None)
        self.offline.append((identifier, at, None))
        return True

    def value(self, identifier: str) -> int | None:
        found = self.latest.get(identifier)
        return found[2] if found and found[1] > self.now else None


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=12))
def test_every_history_leaves_the_latest_online_and_everything_offline(history: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        check(Path(directory), history)


def check(directory: Path, history: list[tuple[Any, ...]]) -> None:
    reference = Reference()
    clock = Clock(directory / "clock.json", lambda: float(START + reference.now))
    store, resources = RecordStore(directory / "records.db"), Store(directory / "resources.db")
    catalogue = Catalogue(resources, lambda: None)
    group = FeatureGroup.of(catalogue.add(FEATURE_GROUP, SCOPE, "g", {**GROUP, "FeatureGroupName": "g"}))
    records = Records(catalogue, store, clock, lambda: None)
    for number, (what, identifier, amount, life) in enumerate(history):
        about = {"FeatureGroupName": "g"}
        if what == "wait":
            reference.now += amount
        elif what == "put":
            values = {"id": identifier, "at": str(START + amount), "value": str(number)}
            ttl = {"TtlDuration": {"Unit": "Seconds", "Value": life}} if life else {}
            record = [{"FeatureName": name, "ValueAsString": text} for name, text in values.items()]
            records.put(SCOPE, {**about, "Record": record, **ttl})
            reference.put(identifier, amount, life, number)
        else:
            wanted = {"RecordIdentifierValueAsString": identifier, "EventTime": str(START + amount)}
            mode = "HardDelete" if what == "hard" else "SoftDelete"
            try:
                records.delete(SCOPE, {**about, **wanted, "DeletionMode": mode})
                deleted = True
            except ApiError:
                deleted = False
            assert deleted == reference.delete(identifier, amount, hard=what == "hard")
        for one in "ab":
            answer = records.get(SCOPE, {**about, "RecordIdentifierValueAsString": one, "FeatureNames": ["value"]})
            value = int(answer["Record"][0]["ValueAsString"]) if answer else None
            assert value == reference.value(one)
    found = [
        (
            one.values["id"],
            int(float(one.values["at"])) - START,
            int(one.values["value"]) if not one.is_deleted else None,
        )
        for one in store.outgoing(group.key, 100)
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, reference.offline))
    store.close()
    resources.close()
