"""Brings records to the offline store: Parquet files in S3, one an hour of event time, a few seconds after the calls.

A record waits in SQLite from its call on. Its file is chosen before it is written, and forgotten after S3 has it; a
file that a killed emulator wrote is therefore written again under the same key, and its records are there once.
https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

import logging
import secrets
import string
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.clock import Clock
from localcloud.aws.sagemaker.aws_clients import AwsClients, Credentials
from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.families import FEATURE_GROUP
from localcloud.aws.sagemaker.features.event_time import at_moment
from localcloud.aws.sagemaker.features.group import FeatureGroup, find_group
from localcloud.aws.sagemaker.features.parquet_rows import to_parquet
from localcloud.aws.sagemaker.features.record_store import OutgoingRecord, RecordStore
from localcloud.aws.sagemaker.s3_access import S3Uri
from localcloud.aws.sagemaker.store import Document, Resource

logger = logging.getLogger("localcloud.sagemaker.features")

# AWS: within 15 minutes.
DELAY_S = 5.0
_MAX_ROWS = 50_000
_MAX_RETRY_S = 3600.0
_LETTERS = string.ascii_letters + string.digits


class OfflineFiles:
    """Writes what waits. `fire_due` may be called by any thread, one at a time."""

    def __init__(self, catalogue: Catalogue, store: RecordStore, clients: AwsClients, clock: Clock) -> None:
        self._catalogue = catalogue
        self._store = store
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._retries: dict[str, tuple[float, float]] = {}
        self._s3_clients: dict[tuple[Credentials, str], Any] = {}

    def has_work(self) -> bool:
        """Whether a record waits."""
        return bool(self._store.waiting_groups())

    def next_due(self) -> float | None:
        """When the next file is to be written."""
        due = (self._due_at(key, since) for key, since in self._store.waiting_groups().items())
        return min(due, default=None)

    def fire_due(self) -> bool:
        """Writes the files that are due; whether there were any."""
        with self._lock:
            now = self._clock.now()
            due = [key for key, since in self._store.waiting_groups().items() if self._due_at(key, since) <= now]
            for key in due:
                self._write_group(key)
            return bool(due)

    def flush(self, group: FeatureGroup) -> None:
        """Writes what waits of a group that is being deleted."""
        with self._lock:
            self._write_group(group.key)

    def is_idle(self) -> bool:
        """Whether no file is being written right now."""
        return not self._lock.locked()

    def _due_at(self, key: str, since: float) -> float:
        retry_at, _ = self._retries.get(key, (0.0, 0.0))
        return max(since + DELAY_S, retry_at)

    def _write_group(self, key: str) -> None:
        while records := self._store.outgoing(key, _MAX_ROWS):
            # Read after the records, so that it has every feature that they have.
            resource = find_group(self._catalogue, key)
            if resource is None:
                self._store.drop_group(key)
            elif not records[0].file:
                self._store.assign(_by_file(records))
            elif not self._write_files(key, resource, _by_file(records)):
                return

    def _write_files(self, key: str, resource: Resource, files: Mapping[str, Sequence[OutgoingRecord]]) -> bool:
        """Writes files that are chosen already; whether all are in S3."""
        group = FeatureGroup.of(resource)
        try:
            for file, rows in files.items():
                self._write(group, file, rows)
                self._store.drop(rows)
        except ClientError as error:
            self._retry_later(key)
            self._set_status(resource, {"Status": "Blocked", "BlockedReason": _blocked_reason(resource, error)})
            return False
        except (BotoCoreError, OSError) as error:
            self._retry_later(key)
            logger.warning("The offline store of %s is not reached: %s; trying again", group.name, error)
            return False
        self._retries.pop(key, None)
        self._set_status(resource, {"Status": "Active"})
        return True

    def _write(self, group: FeatureGroup, file: str, rows: Sequence[OutgoingRecord]) -> None:
        storage = group.resource.document["OfflineStoreConfig"]["S3StorageConfig"]
        folder = S3Uri.parse(storage["ResolvedOutputS3Uri"])
        body = to_parquet(group.types, rows, self._clock.now())
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": storage["KmsKeyId"]} if "KmsKeyId" in storage else {}
        s3 = self._s3_as(group.resource.document["RoleArn"], group.resource.scope.region)
        s3.put_object(Bucket=folder.bucket, Key=f"{folder.key}/{file}", Body=body, **extra)

    def _retry_later(self, key: str) -> None:
        _, last_s = self._retries.get(key, (0.0, DELAY_S / 2))
        wait_s = min(2 * last_s, _MAX_RETRY_S)
        self._retries[key] = (self._clock.now() + wait_s, wait_s)

    def _set_status(self, resource: Resource, status: Document) -> None:
        if resource.status != "Created" or resource.document.get("OfflineStoreStatus") == status:
            return

        def edit(group: Document) -> None:
            group["OfflineStoreStatus"] = status

        self._catalogue.change(FEATURE_GROUP, resource.scope, resource.name, edit)

    def _s3_as(self, role_arn: str, region: str) -> Any:
        credentials = self._clients.assume(role_arn, "SageMaker-FeatureStore")
        key = (credentials, region)
        if key not in self._s3_clients:
            self._s3_clients[key] = self._clients.as_role("s3", region, credentials)
        return self._s3_clients[key]


def _by_file(records: Sequence[OutgoingRecord]) -> dict[str, list[OutgoingRecord]]:
    """Records by the key of their file below the group's folder; those without one get one by the hour."""
    files: dict[str, list[OutgoingRecord]] = {}
    for record in records:
        hour = at_moment(record.event_us).strftime("year=%Y/month=%m/day=%d/hour=%H")
        files.setdefault(record.file or hour, []).append(record)
    if not records[0].file:
        return {f"{hour}/{_file_name(rows)}": rows for hour, rows in files.items()}
    return files


def _file_name(records: Sequence[OutgoingRecord]) -> str:
    """`<latest event time>_<16 random letters and digits>.parquet`."""
    latest = at_moment(max(record.event_us for record in records)).strftime("%Y%m%dT%H%M%SZ")
    return f"{latest}_{''.join(secrets.choice(_LETTERS) for _ in range(16))}.parquet"


def _blocked_reason(resource: Resource, error: ClientError) -> str:
    details = error.response["Error"]
    return (
        f"Data could not be written to {resource.document['OfflineStoreConfig']['S3StorageConfig']['S3Uri']}: "
        f"{details['Code']}: {details['Message']}. Ensure that the role {resource.document['RoleArn']} has "
        '"s3:PutObject" permissions on it.'
    )[:1024]
