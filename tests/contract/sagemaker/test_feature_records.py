"""Records: put, got, deleted, expired; what the offline store holds of them; rights; kill -9."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.contract.sagemaker.conftest import Setup, refusal, start_toy_cloud, wait_for
from tests.contract.sagemaker.feature_groups import as_record, await_group, create_group
from tests.contract.sagemaker.test_survival_of_sagemaker import await_saved, kill, restart
from tests.running_cloud import stop_cloud

ONLINE_ONLY = {"OfflineStoreConfig": None, "RoleArn": None}


def runtime(setup: Setup) -> Any:
    return setup.cloud.client("sagemaker-featurestore-runtime")


def order(order_id: str, ordered_at: str, tacos: int = 3, **more: object) -> list[dict[str, str]]:
    return as_record({"order_id": order_id, "ordered_at": ordered_at, "tacos": tacos, **more})


def put(setup: Setup, group: str, order_id: str, ordered_at: str, tacos: int = 3, **options: Any) -> None:
    runtime(setup).put_record(FeatureGroupName=group, Record=order(order_id, ordered_at, tacos), **options)


def get(setup: Setup, group: str, order_id: str, **options: Any) -> dict[str, str] | None:
    answer = runtime(setup).get_record(FeatureGroupName=group, RecordIdentifierValueAsString=order_id, **options)
    if "Record" not in answer:
        return None
    return {value["FeatureName"]: value["ValueAsString"] for value in answer["Record"]}


def offline_rows(setup: Setup, group: str, count: int) -> list[dict[str, Any]]:
    """All rows of a group's files, each with its key, when there are `count` of them."""
    uri = setup.sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreConfig"]["S3StorageConfig"]
    bucket, _, prefix = uri["ResolvedOutputS3Uri"].removeprefix("s3://").partition("/")

    def read() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in setup.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                body = setup.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                rows += [{**row, "key": entry["Key"]} for row in pq.read_table(io.BytesIO(body)).to_pylist()]
        return sorted(rows, key=lambda row: (row["ordered_at"], row["api_invocation_time"]))

    rows: list[dict[str, Any]] = wait_for(lambda: len(found := read()) >= count and found, f"{count} offline rows")
    assert len(rows) == count
    return rows


@pytest.fixture(scope="module")
def strict_group(setup: Setup) -> str:
    return create_group(setup, **ONLINE_ONLY)


@pytest.fixture
def survivor(tmp_path: Path) -> Iterator[Setup]:
    prepared = Setup(start_toy_cloud(tmp_path))
    prepared.create()
    yield prepared
    stop_cloud(prepared.cloud)


def test_the_latest_event_time_stays_online_and_every_record_goes_offline(setup: Setup) -> None:
    group = create_group(setup)
    put(setup, group, "a", "2026-01-01T10:00:00Z", 1)
    put(setup, group, "a", "2026-01-01T11:30:00.250Z", 2)
    put(setup, group, "a", "2026-01-01T10:30:00Z", 3)
    put(setup, group, "a", "2026-01-01T11:30:00.250Z", 4)
    assert get(setup, group, "a") == {"order_id": "a", "ordered_at": "2026-01-01T11:30:00.250Z", "tacos": "2"}
    rows = offline_rows(setup, group, 4)
    assert [row["tacos"] for row in rows] == [1, 3, 2, 4]
    assert {row["is_deleted"] for row in rows} == {False}
    assert {row["minutes"] for row in rows} == {None}
    assert all(row["write_time"] >= row["api_invocation_time"] for row in rows)
    folder, _, file = rows[-1]["key"].rpartition("/")
    assert folder.endswith("/data/year=2026/month=01/day=01/hour=11")
    latest, _, letters = file.removesuffix(".parquet").partition("_")
    assert latest == "20260101T113000Z"
    assert len(letters) == 16


def test_a_record_is_replaced_whole_and_asked_for_by_feature(setup: Setup) -> None:
    group = create_group(setup, **ONLINE_ONLY)
    client = runtime(setup)
    client.put_record(FeatureGroupName=group, Record=order("a", "2026-01-01T10:00:00Z", minutes="2.5"))
    assert get(setup, group, "a", FeatureNames=["minutes", "tacos"]) == {"minutes": "2.5", "tacos": "3"}
    put(setup, group, "a", "2026-01-01T10:00:01Z")
    assert get(setup, group, "a", FeatureNames=["minutes", "tacos"]) == {"tacos": "3"}
    assert get(setup, group, "b") is None
    arn = setup.sagemaker.describe_feature_group(FeatureGroupName=group)["FeatureGroupArn"]
    assert get(setup, arn, "a") == get(setup, group, "a")


def test_an_event_time_may_be_seconds_since_the_epoch(setup: Setup) -> None:
    definitions = [
        {"FeatureName": "order_id", "FeatureType": "Integral"},
        {"FeatureName": "at", "FeatureType": "Fractional"},
    ]
    group = create_group(setup, FeatureDefinitions=definitions, EventTimeFeatureName="at", **ONLINE_ONLY)
    for at in ("1767261600.5", "1767261600.25"):
        runtime(setup).put_record(FeatureGroupName=group, Record=as_record({"order_id": 7, "at": at}))
    assert get(setup, group, "7") == {"order_id": "7", "at": "1767261600.5"}


def test_a_soft_deletion_keeps_its_event_time_and_a_hard_one_nothing(setup: Setup) -> None:
    group, client = create_group(setup), runtime(setup)
    for order_id in "ab":
        put(setup, group, order_id, "2026-01-01T10:00:00Z")

    def delete(order_id: str, at: str, mode: str) -> None:
        client.delete_record(
            FeatureGroupName=group, RecordIdentifierValueAsString=order_id, EventTime=at, DeletionMode=mode
        )

    delete("a", "2026-01-01T09:00:00Z", "SoftDelete")
    assert get(setup, group, "a") is not None, "an older deletion deletes nothing"
    delete("a", "2026-01-01T11:00:00Z", "SoftDelete")
    assert get(setup, group, "a") is None
    put(setup, group, "a", "2026-01-01T10:30:00Z")
    assert get(setup, group, "a") is None, "what is older than the deletion stays deleted"
    with pytest.raises(client.exceptions.ValidationError, match="must be later than the EventTime"):
        delete("b", "2026-01-01T10:00:00Z", "HardDelete")
    delete("b", "2026-01-01T11:00:00Z", "HardDelete")
    assert get(setup, group, "b") is None
    put(setup, group, "b", "2026-01-01T10:30:00Z")
    assert get(setup, group, "b") is not None, "nothing is left that would be newer"
    setup.cloud.advance(6)
    deleted = [row for row in offline_rows(setup, group, 7) if row["is_deleted"]]
    assert [(row["order_id"], row["ordered_at"], row["tacos"]) for row in deleted] == [
        ("a", "2026-01-01T09:00:00Z", None),
        ("a", "2026-01-01T11:00:00Z", None),
        ("b", "2026-01-01T11:00:00Z", None),
    ]


def test_a_record_goes_to_the_stores_that_the_call_names(setup: Setup) -> None:
    group = create_group(setup)
    put(setup, group, "offline", "2026-01-01T10:00:00Z", TargetStores=["OfflineStore"])
    put(setup, group, "online", "2026-01-01T10:00:00Z", TargetStores=["OnlineStore"])
    assert get(setup, group, "offline") is None
    assert get(setup, group, "online") is not None
    setup.cloud.advance(6)
    assert [row["order_id"] for row in offline_rows(setup, group, 1)] == ["offline"]
    bare = create_group(setup, **ONLINE_ONLY)
    code, message = refusal(
        runtime(setup).put_record,
        FeatureGroupName=bare,
        Record=order("a", "2026-01-01T10:00:00Z"),
        TargetStores=["OfflineStore"],
    )
    assert (code, message) == ("ValidationError", f"Validation Error: {bare} does not have an OfflineStore.")


def test_a_batch_gets_records_of_several_groups_and_says_what_it_could_not(setup: Setup) -> None:
    first, second = create_group(setup, **ONLINE_ONLY), create_group(setup, **ONLINE_ONLY)
    put(setup, first, "a", "2026-01-01T10:00:00Z", 1)
    put(setup, second, "a", "2026-01-01T10:00:00Z", 2)
    answer = runtime(setup).batch_get_record(
        Identifiers=[
            {"FeatureGroupName": first, "RecordIdentifiersValueAsString": ["a", "missing"]},
            {"FeatureGroupName": second, "RecordIdentifiersValueAsString": ["a"], "FeatureNames": ["tacos"]},
            {"FeatureGroupName": "nobody", "RecordIdentifiersValueAsString": ["a"]},
        ]
    )
    found = {one["FeatureGroupName"]: one["Record"] for one in answer["Records"]}
    assert found.keys() == {first, second}
    assert found[second] == [{"FeatureName": "tacos", "ValueAsString": "2"}]
    assert [(one["FeatureGroupName"], one["ErrorCode"]) for one in answer["Errors"]] == [("nobody", "ResourceNotFound")]
    assert answer["UnprocessedIdentifiers"] == []


def test_a_batch_of_writes_reports_the_entries_it_refuses(setup: Setup) -> None:
    group = create_group(setup, **ONLINE_ONLY)
    good = {"FeatureGroupName": group, "Record": order("a", "2026-01-01T10:00:00Z")}
    bad = {"FeatureGroupName": group, "Record": order("b", "yesterday")}
    answer = runtime(setup).batch_write_record(Entries=[good, bad])
    assert [(one["Entry"]["Record"][0]["ValueAsString"], one["ErrorCode"]) for one in answer["Errors"]] == [
        ("b", "ValidationError")
    ]
    put(setup, group, "c", "2026-01-01T10:00:00Z")
    first = runtime(setup).list_records(FeatureGroupName=group, MaxResults=1)
    assert first["RecordIdentifiers"] == ["a"]
    rest = runtime(setup).list_records(FeatureGroupName=group, NextToken=first["NextToken"])
    assert rest["RecordIdentifiers"] == ["c"]
    assert "NextToken" not in rest


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (order("a", "2026-01-01 10:00:00"), "must be an ISO-8601 string in the format yyyy-MM-dd'T'HH:mm:ssZ"),
        (order("a", "2026-01-01T10:00:00Z", "many"), "Value many of feature tacos must be of type Integral"),  # type: ignore[arg-type]
        (order("a", "2026-01-01T10:00:00Z", 2**63), "must be of type Integral"),
        (order("a", "2026-01-01T10:00:00Z", minutes="nan"), "Value nan of feature minutes must be of type Fractional"),
        (order("a", "2026-01-01T10:00:00Z", nobody=1), "Feature nobody is not defined in feature group"),
        (as_record({"order_id": "a"}), "Missing value for required feature ordered_at"),
        (as_record({"ordered_at": "2026-01-01T10:00:00Z"}), "Missing value for required feature order_id"),
        ([*order("a", "2026-01-01T10:00:00Z"), *as_record({"tacos": 1})], "Feature tacos is given more than once"),
    ],
)
def test_a_record_that_does_not_fit_its_group_is_refused(
    setup: Setup, strict_group: str, record: list[dict[str, str]], expected: str
) -> None:
    code, message = refusal(runtime(setup).put_record, FeatureGroupName=strict_group, Record=record)
    assert code == "ValidationError"
    assert expected in message


def test_records_of_a_group_that_is_not_there_are_not_found(setup: Setup) -> None:
    client = runtime(setup)
    with pytest.raises(client.exceptions.ResourceNotFound) as caught:
        client.get_record(FeatureGroupName="nobody", RecordIdentifierValueAsString="a")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    change = {"FeatureGroupName": "nobody", "RecordIdentifierValueAsString": "a", "Features": as_record({"tacos": 1})}
    assert "Standard_V2" in refusal(client.update_record, **change)[1]


def test_a_callers_rights_are_judged_on_each_feature_group(setup: Setup) -> None:
    mine, other = create_group(setup, **ONLINE_ONLY), create_group(setup, **ONLINE_ONLY)
    iam = setup.cloud.client("iam")
    iam.create_user(UserName="reader")
    arn = setup.sagemaker.describe_feature_group(FeatureGroupName=mine)["FeatureGroupArn"]
    allowed = {"Effect": "Allow", "Action": ["sagemaker:GetRecord", "sagemaker:BatchGetRecord"], "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=policy)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = setup.cloud.client("sagemaker-featurestore-runtime", key["AccessKeyId"], key["SecretAccessKey"])
    put(setup, mine, "a", "2026-01-01T10:00:00Z")

    def wanted(*groups: str) -> list[dict[str, Any]]:
        return [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": ["a"]} for group in groups]

    assert reader.get_record(FeatureGroupName=mine, RecordIdentifierValueAsString="a")["Record"]
    assert len(reader.batch_get_record(Identifiers=wanted(mine))["Records"]) == 1
    for call, arguments in (
        (reader.put_record, {"FeatureGroupName": mine, "Record": order("a", "2026-01-02T10:00:00Z")}),
        (reader.get_record, {"FeatureGroupName": other, "RecordIdentifierValueAsString": "a"}),
        (reader.batch_get_record, {"Identifiers": wanted(mine, other)}),
    ):
        code, message = refusal(call, **arguments)
        assert "AccessDenied" in code
        assert "user/reader is not authorized to perform: sagemaker:" in message
    forged = setup.cloud.client("sagemaker-featurestore-runtime", key["AccessKeyId"], "forged")
    code, _ = refusal(forged.get_record, FeatureGroupName=mine, RecordIdentifierValueAsString="a")
    assert code == "InvalidSignatureException"


def test_a_record_that_has_expired_is_hidden_at_once_and_later_deleted_offline_too(survivor: Setup) -> None:
    ttl = {"Unit": "Hours", "Value": 1}
    group = create_group(survivor, OnlineStoreConfig={"EnableOnlineStore": True, "TtlDuration": ttl})
    now = time.time()
    at, later = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + more)) for more in (0, 3600))
    put(survivor, group, "group", at)
    put(survivor, group, "own", at, TtlDuration={"Unit": "Days", "Value": 2})
    wanted = {"FeatureGroupName": group, "RecordIdentifierValueAsString": "group"}
    answer = runtime(survivor).get_record(ExpirationTimeResponse="Enabled", **wanted)
    assert answer["ExpiresAt"] == later
    assert "ExpiresAt" not in runtime(survivor).get_record(**wanted)
    survivor.cloud.advance(3700)
    assert get(survivor, group, "group") is None
    assert get(survivor, group, "own") is not None
    survivor.cloud.advance(3700)
    rows = offline_rows(survivor, group, 3)
    assert [(row["order_id"], row["ordered_at"], row["is_deleted"]) for row in rows if row["is_deleted"]] == [
        ("group", later, True)
    ]


def test_an_advance_of_the_clock_writes_what_waits(survivor: Setup) -> None:
    group = create_group(survivor)
    put(survivor, group, "a", "2026-01-01T10:00:00Z")
    survivor.cloud.advance(60)
    began = time.monotonic()
    offline_rows(survivor, group, 1)
    assert time.monotonic() - began < 2


def test_records_outlive_kill_9_and_reach_the_offline_store_once(survivor: Setup) -> None:
    group = create_group(survivor)
    await_saved(survivor)
    for number in range(40):
        put(survivor, group, f"order-{number}", f"2026-01-01T{number % 3:02}:00:00Z", number)
    kill(survivor.cloud)
    restart(survivor)
    assert await_group(survivor, group)["FeatureGroupName"] == group
    assert get(survivor, group, "order-39", FeatureNames=["tacos"]) == {"tacos": "39"}
    survivor.cloud.advance(6)
    rows = offline_rows(survivor, group, 40)
    assert sorted(row["tacos"] for row in rows) == list(range(40))
    kill(survivor.cloud)
    restart(survivor)
    put(survivor, group, "last", "2026-01-01T10:00:00Z")
    survivor.cloud.advance(6)
    offline_rows(survivor, group, 41)


def test_what_the_role_may_not_write_waits_until_it_may(survivor: Setup) -> None:
    role = survivor.make_role("half", ["s3:GetBucketAcl"])
    group = create_group(survivor, RoleArn=role)
    put(survivor, group, "a", "2026-01-01T10:00:00Z")

    def offline_status(wanted: str) -> dict[str, Any] | None:
        status: dict[str, Any] = survivor.sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreStatus"]
        return status if status["Status"] == wanted else None

    blocked = wait_for(lambda: offline_status("Blocked"), "the refusal")
    assert "AccessDenied" in blocked["BlockedReason"]
    assert '"s3:PutObject"' in blocked["BlockedReason"]
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    survivor.cloud.client("iam").put_role_policy(RoleName="half", PolicyName="more", PolicyDocument=document)
    survivor.cloud.advance(60)
    offline_rows(survivor, group, 1)
    assert wait_for(lambda: offline_status("Active"), "recovery")


def test_awswrangler_reads_the_offline_store_by_its_table(setup: Setup) -> None:
    group = create_group(setup)
    put(setup, group, "a", "2026-01-01T10:00:00Z", 1)
    put(setup, group, "b", "2026-01-02T10:00:00Z", 2)
    setup.cloud.advance(6)
    offline_rows(setup, group, 2)
    config = setup.sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreConfig"]
    program = """
import json, os
import awswrangler as wr
table = json.loads(os.environ["CATALOG"])
frame = wr.s3.read_parquet_table(database=table["Database"], table=table["TableName"])
types = [str(frame[name].dtype) for name in ("is_deleted", "write_time")]
print(json.dumps([sorted(frame["order_id"]), sorted(map(str, frame["day"])), int(frame["tacos"].sum()), *types]))
"""
    environment = os.environ | {
        "CATALOG": json.dumps(config["DataCatalogConfig"]),
        "AWS_ENDPOINT_URL": setup.cloud.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    identifiers, days, tacos, deleted, written = json.loads(done.stdout)
    assert (identifiers, days, tacos, deleted) == (["a", "b"], ["01", "02"], 3, "boolean")
    assert written.startswith("datetime64")
