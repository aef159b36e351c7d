"""The offline store when S3 took a file and nobody heard of it."""

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from botocore.exceptions import EndpointConnectionError

from localcloud.aws.clock import Clock
from localcloud.aws.sagemaker.aws_clients import Credentials
from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.families import FEATURE_GROUP
from localcloud.aws.sagemaker.features.group import FeatureGroup
from localcloud.aws.sagemaker.features.offline_files import OfflineFiles
from localcloud.aws.sagemaker.features.record_store import RecordStore
from localcloud.aws.sagemaker.store import Store
from tests.unit.localcloud.sagemaker.test_online_records import GROUP, SCOPE, START

STORAGE = {"S3Uri": "s3://lake/f", "ResolvedOutputS3Uri": "s3://lake/f/data"}


class ForgetfulS3:
    """Keeps every object, and loses its first answers."""

    def __init__(self, lost_answers: int) -> None:
        self.objects: dict[str, bytes] = {}
        self._lost_answers = lost_answers

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803  (boto3's names)
        self.objects[f"{Bucket}/{Key}"] = Body
        self._lost_answers -= 1
        if self._lost_answers >= 0:
            raise EndpointConnectionError(endpoint_url="http://lost")


class Clients:
    def __init__(self, s3: ForgetfulS3) -> None:
        self._s3 = s3

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        return Credentials(role_arn, session_name)

    def as_role(self, *_: Any) -> ForgetfulS3:
        return self._s3


def test_a_file_whose_writing_was_not_heard_of_is_written_again_and_not_twice(tmp_path: Path) -> None:
    now = [float(START)]
    clock = Clock(tmp_path / "clock.json", lambda: now[0])
    catalogue = Catalogue(Store(tmp_path / "resources.db"), lambda: None)
    document = {**GROUP, "RoleArn": "role", "OfflineStoreConfig": {"S3StorageConfig": STORAGE}}
    group = FeatureGroup.of(catalogue.add(FEATURE_GROUP, SCOPE, "g", document))
    s3 = ForgetfulS3(lost_answers=1)
    store = RecordStore(tmp_path / "records.db")

    def put(number: int, hour: int) -> None:
        values = {"id": str(number), "at": str(START + 3600 * hour), "value": str(number)}
        record = [{"FeatureName": name, "ValueAsString": text} for name, text in values.items()]
        store.send(group.key, group.record(record), clock.now())

    for number in range(6):
        put(number, number % 2)
    files = OfflineFiles(catalogue, store, Clients(s3), clock)  # type: ignore[arg-type]
    assert files.next_due() == START + 5
    assert not files.fire_due()
    now[0] += 5
    assert files.fire_due()
    assert len(s3.objects) == 1
    put(6, 0)
    # A new emulator: nothing but the database tells it what the last one did.
    later = OfflineFiles(catalogue, RecordStore(tmp_path / "records.db"), Clients(s3), clock)  # type: ignore[arg-type]
    assert later.fire_due()
    assert not later.has_work()
    assert len(s3.objects) == 3
    tables = [pq.read_table(io.BytesIO(body)) for body in s3.objects.values()]
    assert sorted(value for table in tables for value in table["value"].to_pylist()) == list(range(7))
    assert {key.rpartition("/")[0] for key in s3.objects} == {
        "lake/f/data/year=1970/month=01/day=12/hour=13",
        "lake/f/data/year=1970/month=01/day=12/hour=14",
    }
