"""A feature group as its records see it: types, identifier, stores."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.errors import ApiError
from localcloud.aws.sagemaker.families import FEATURE_GROUP
from localcloud.aws.sagemaker.features.event_time import parse_event_time
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Resource

ONLINE, OFFLINE = "OnlineStore", "OfflineStore"
_INTEGRAL = re.compile(r"[+-]?\d+")
_LONG = range(-(2**63), 2**63)
_SECONDS = {"Seconds": 1, "Minutes": 60, "Hours": 3600, "Days": 86_400, "Weeks": 604_800}


def invalid_record(message: str) -> ApiError:
    """The runtime's refusal of a request that does not fit; the control plane's code is another."""
    return ApiError("ValidationError", message)


def ttl_seconds(duration: Mapping[str, Any] | None) -> int | None:
    """Length of a TtlDuration; None for none."""
    if not duration or duration.get("Unit") is None:
        return None
    return int(duration["Value"]) * _SECONDS[duration["Unit"]]


@dataclass(frozen=True, slots=True)
class Record:
    """One record that was put, or the marker of one that was deleted.

    Attributes:
        values: Text of each feature that has a value.
        event_us: Its event time, in microseconds since the epoch.
    """

    identifier: str
    event_us: int
    values: Mapping[str, str]
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """What a record is checked against.

    Attributes:
        key: Names its records in the stores; a group that is made anew under the same name has another.
        types: `Integral`, `Fractional` or `String`, by feature.
        ttl_s: Time to live of a record that brings none of its own, or None for ever.
        stores: Those that it has.
    """

    resource: Resource
    key: str
    identifier_feature: str
    event_time_feature: str
    types: Mapping[str, str]
    ttl_s: int | None
    stores: frozenset[str]

    @classmethod
    def of(cls, resource: Resource) -> Self:
        """A group of the catalogue."""
        document = resource.document
        online = document.get("OnlineStoreConfig", {})
        stores = {ONLINE} if online.get("EnableOnlineStore") else set()
        return cls(
            resource,
            group_key(document),
            document["RecordIdentifierFeatureName"],
            document["EventTimeFeatureName"],
            {one["FeatureName"]: one["FeatureType"] for one in document["FeatureDefinitions"]},
            ttl_seconds(online.get("TtlDuration")),
            frozenset(stores | ({OFFLINE} if "OfflineStoreConfig" in document else set())),
        )

    @property
    def name(self) -> str:
        """As it was created."""
        return self.resource.name

    def target_stores(self, wanted: Sequence[str] | None) -> frozenset[str]:
        """The stores that a call writes to: all of the group, unless it says which.

        Raises:
            ApiError: The group has no such store.
        """
        missing = set(wanted or ()) - self.stores
        if missing:
            raise invalid_record(f"Validation Error: {self.name} does not have an {', '.join(sorted(missing))}.")
        return frozenset(wanted) if wanted else self.stores

    def record(self, features: Sequence[Document]) -> Record:
        """The record of a PutRecord request.

        Raises:
            ApiError: A feature is unknown, twice there, missing or of the wrong type.
        """
        values: dict[str, str] = {}
        for feature in features:
            name, text = feature["FeatureName"], feature.get("ValueAsString")
            if name not in self.types:
                raise invalid_record(f"Validation Error: Feature {name} is not defined in feature group {self.name}.")
            if name in values:
                raise invalid_record(f"Validation Error: Feature {name} is given more than once.")
            if "ValueAsStringList" in feature:
                raise invalid_record(f"Validation Error: Feature {name} is no collection; expected ValueAsString.")
            if text is not None:
                self._check(name, text)
                values[name] = text
        for name in (self.identifier_feature, self.event_time_feature):
            if not values.get(name):
                raise invalid_record(f"Validation Error: Missing value for required feature {name}.")
        event_us = self.event_us(values[self.event_time_feature])
        return Record(values[self.identifier_feature], event_us, values)

    def deletion(self, identifier: str, event_time: str) -> Record:
        """The marker of a deleted record: every other feature is null."""
        self._check(self.identifier_feature, identifier)
        values = {self.identifier_feature: identifier, self.event_time_feature: event_time}
        return Record(identifier, self.event_us(event_time), values, is_deleted=True)

    def event_us(self, text: str) -> int:
        """An event time in microseconds since the epoch.

        Raises:
            ApiError: The text is none.
        """
        moment = parse_event_time(self.types[self.event_time_feature], text)
        if moment is None:
            expected = (
                "an ISO-8601 string in the format yyyy-MM-dd'T'HH:mm:ssZ or yyyy-MM-dd'T'HH:mm:ss.SSSZ"
                if self.types[self.event_time_feature] == "String"
                else "a Unix timestamp in seconds"
            )
            raise invalid_record(
                f"Validation Error: Value {text} of EventTime feature {self.event_time_feature} must be {expected}."
            )
        return moment

    def check_names(self, names: Sequence[str] | None) -> None:
        """Refuses features that the group does not have.

        Raises:
            ApiError: There is one.
        """
        unknown = [name for name in names or () if name not in self.types]
        if unknown:
            raise invalid_record(
                f"Validation Error: Features {', '.join(unknown)} are not defined in feature group {self.name}."
            )

    def _check(self, name: str, text: str) -> None:
        kind = self.types[name]
        if (kind == "Integral" and not _is_integral(text)) or (kind == "Fractional" and not _is_fractional(text)):
            raise invalid_record(f"Validation Error: Value {text} of feature {name} must be of type {kind}.")


def group_key(document: Document) -> str:
    """Names a group's records in the stores."""
    return f"{document['FeatureGroupArn']}@{document['CreationTime']}"


def find_group(catalogue: Catalogue, key: str) -> Resource | None:
    """The group whose records these are; None when it was deleted, even if there is a new one of its name."""
    arn, _, _ = key.rpartition("@")
    _, _, _, region, account, path = arn.split(":")
    resource = catalogue.store.find(Scope(account, region), FEATURE_GROUP.name, path.partition("/")[2])
    return resource if resource is not None and group_key(resource.document) == key else None


def _is_integral(text: str) -> bool:
    return _INTEGRAL.fullmatch(text) is not None and len(text) <= 20 and int(text) in _LONG


def _is_fractional(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
