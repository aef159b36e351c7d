"""PutRecord, GetRecord, DeleteRecord and their batches: which record is the latest, and what is written where.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Feature_Store_Runtime.html
"""

import base64
import math
from collections.abc import Callable, Mapping, Sequence

from localcloud.aws.clock import Clock
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.errors import ApiError
from localcloud.aws.sagemaker.families import FEATURE_GROUP
from localcloud.aws.sagemaker.features.event_time import format_event_time, iso_seconds
from localcloud.aws.sagemaker.features.group import (
    OFFLINE,
    ONLINE,
    FeatureGroup,
    find_group,
    invalid_record,
    ttl_seconds,
)
from localcloud.aws.sagemaker.features.record_store import OnlineRecord, RecordStore
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document

_MICROSECONDS = 1_000_000
_DEFAULT_PAGE = 100
# Reading hides an expired record at once; AWS takes it away within days.
_SWEEP_S = 3600


class Records:
    """The runtime's operations over the record store."""

    def __init__(
        self, catalogue: Catalogue, store: RecordStore, clock: Clock, wake_offline: Callable[[], None]
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._clock = clock
        self._wake_offline = wake_offline

    def operations(self) -> dict[str, Operation]:
        """By AWS's name."""
        return {
            "PutRecord": self.put,
            "GetRecord": self.get,
            "DeleteRecord": self.delete,
            "BatchGetRecord": self.batch_get,
            "BatchWriteRecord": self.batch_write,
            "ListRecords": self.list_records,
        }

    def put(self, scope: Scope, request: Document) -> Document:
        """PutRecord: the latest by event time stays online, every record goes to the offline store.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_PutRecord.html
        """
        group = self._group(scope, request["FeatureGroupName"])
        record = group.record(request["Record"])
        stores = group.target_stores(request.get("TargetStores"))
        life_s = ttl_seconds(request.get("TtlDuration")) or group.ttl_s
        expires_us = None if life_s is None else record.event_us + life_s * _MICROSECONDS
        with self._store.transaction():
            latest = self._latest(group, record.identifier)
            if ONLINE in stores and (latest is None or record.event_us > latest.event_us):
                self._store.keep(group.key, record, expires_us)
            if OFFLINE in stores:
                self._store.send(group.key, record, self._clock.now())
        self._wake_offline()
        return {}

    def get(self, scope: Scope, request: Document) -> Document:
        """GetRecord: empty where there is none.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_GetRecord.html
        """
        group = self._online_group(scope, request["FeatureGroupName"])
        return self._found(group, request["RecordIdentifierValueAsString"], request, request.get("FeatureNames")) or {}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteRecord: SoftDelete keeps the event time, HardDelete nothing.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_DeleteRecord.html
        """
        group = self._group(scope, request["FeatureGroupName"])
        record = group.deletion(request["RecordIdentifierValueAsString"], request["EventTime"])
        stores = group.target_stores(request.get("TargetStores"))
        is_hard = request.get("DeletionMode") == "HardDelete"
        with self._store.transaction():
            latest = self._latest(group, record.identifier)
            is_newer = latest is None or record.event_us > latest.event_us
            if is_hard and ONLINE in stores and not is_newer:
                raise invalid_record(
                    f"Validation Error: EventTime {request['EventTime']} must be later than the EventTime of the "
                    f"existing record with identifier {record.identifier}."
                )
            if ONLINE in stores and is_newer:
                if is_hard:
                    self._store.forget(group.key, record.identifier)
                else:
                    self._store.keep(group.key, record, None)
            if OFFLINE in stores:
                self._store.send(group.key, record, self._clock.now())
        self._wake_offline()
        return {}

    def batch_get(self, scope: Scope, request: Document) -> Document:
        """BatchGetRecord: a group that cannot be read is an error of each of its records, not of the call.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchGetRecord.html
        """
        records: list[Document] = []
        errors: list[Document] = []
        for wanted in request["Identifiers"]:
            for identifier in wanted["RecordIdentifiersValueAsString"]:
                about = {
                    "FeatureGroupName": wanted["FeatureGroupName"],
                    "RecordIdentifierValueAsString": identifier,
                }
                try:
                    group = self._online_group(scope, wanted["FeatureGroupName"])
                    found = self._found(group, identifier, request, wanted.get("FeatureNames"))
                except ApiError as error:
                    errors.append({**about, "ErrorCode": error.code, "ErrorMessage": error.message})
                else:
                    records += [{**about, **found}] if found else []
        return {"Records": records, "Errors": errors, "UnprocessedIdentifiers": []}

    def batch_write(self, scope: Scope, request: Document) -> Document:
        """BatchWriteRecord: each entry is a PutRecord of its own; those that are refused come back with the reason."""
        errors: list[Document] = []
        for entry in request["Entries"]:
            ttl = entry.get("TtlDuration") or request.get("TtlDuration")
            try:
                self.put(scope, {**entry, "TtlDuration": ttl})
            except ApiError as error:
                errors.append({"Entry": entry, "ErrorCode": error.code, "ErrorMessage": error.message})
        return {"Errors": errors, "UnprocessedEntries": []}

    def list_records(self, scope: Scope, request: Document) -> Document:
        """ListRecords: the identifiers of the online store, page by page."""
        group = self._online_group(scope, request["FeatureGroupName"])
        size = int(request.get("MaxResults") or _DEFAULT_PAGE)
        after = _read_token(request.get("NextToken"))
        with_deleted = bool(request.get("IncludeSoftDeletedRecords"))
        found = self._store.page(group.key, after, size + 1, self._now_us(), with_deleted=with_deleted)
        answer: Document = {"RecordIdentifiers": found[:size]}
        if len(found) > size:
            answer["NextToken"] = base64.urlsafe_b64encode(found[size - 1].encode()).decode()
        return answer

    def next_due(self) -> float | None:
        """When expired records are next taken away: on the full hour, so that a month of them is no month of timers."""
        moment_us = self._store.first_expiry()
        return None if moment_us is None else math.ceil(moment_us / _MICROSECONDS / _SWEEP_S) * _SWEEP_S

    def fire_due(self) -> bool:
        """Takes away the records that have expired; whether there were any."""
        due = self.next_due()
        if due is None or due > self._clock.now():
            return False
        with self._store.transaction():
            for key, record in self._store.expired(self._now_us()):
                resource = find_group(self._catalogue, key)
                if resource is None:
                    self._store.forget(key, record.identifier)
                else:
                    self._expire(FeatureGroup.of(resource), record)
        self._wake_offline()
        return True

    def _group(self, scope: Scope, name_or_arn: str) -> FeatureGroup:
        name = name_or_arn.rpartition("/")[2]
        resource = self._catalogue.find(FEATURE_GROUP, scope, name)
        if resource.status != "Created":
            raise invalid_record(
                f"Validation Error: Feature group {resource.name} is in status {resource.status}; expected Created."
            )
        return FeatureGroup.of(resource)

    def _online_group(self, scope: Scope, name_or_arn: str) -> FeatureGroup:
        group = self._group(scope, name_or_arn)
        if ONLINE not in group.stores:
            raise invalid_record(f"Validation Error: {group.name} does not have an {ONLINE}.")
        return group

    def _latest(self, group: FeatureGroup, identifier: str) -> OnlineRecord | None:
        """The latest record of an identifier; one that has expired is taken away first."""
        record = self._store.find(group.key, identifier)
        if record is not None and self._is_expired(record):
            self._expire(group, record)
            return None
        return record

    def _expire(self, group: FeatureGroup, record: OnlineRecord) -> None:
        """Deletes a record for good; that it is gone since its end is written to the offline store.

        AWS's page promises the deleted record there and no event time; with that of its end, a point-in-time join
        finds the record as long as it lived.
        https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-time-to-live.html
        """
        self._store.forget(group.key, record.identifier)
        if OFFLINE in group.stores and record.expires_us is not None:
            ended_at = format_event_time(group.types[group.event_time_feature], record.expires_us)
            self._store.send(group.key, group.deletion(record.identifier, ended_at), self._clock.now())

    def _is_expired(self, record: OnlineRecord) -> bool:
        return record.expires_us is not None and record.expires_us <= self._now_us()

    def _now_us(self) -> int:
        return int(self._clock.now() * _MICROSECONDS)

    def _found(
        self, group: FeatureGroup, identifier: str, request: Mapping[str, object], names: Sequence[str] | None
    ) -> Document | None:
        group.check_names(names)
        record = self._store.find(group.key, identifier)
        if record is None or record.is_deleted or self._is_expired(record):
            return None
        wanted = names or group.types
        values = [
            {"FeatureName": name, "ValueAsString": record.values[name]} for name in wanted if name in record.values
        ]
        found: Document = {"Record": values}
        if request.get("ExpirationTimeResponse") == "Enabled" and record.expires_us is not None:
            found["ExpiresAt"] = iso_seconds(record.expires_us)
        return found


def _read_token(token: str | None) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode() if token else ""
    except ValueError:
        raise invalid_record("The token you provided is not valid.") from None
