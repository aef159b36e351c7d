"""Feature groups: made, described, listed, changed, deleted, refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.conftest import Setup, refusal, wait_for
from tests.contract.sagemaker.feature_groups import (
    DEFINITIONS,
    OFFLINE,
    as_record,
    await_group,
    create_group,
    group_request,
)


def test_a_group_is_created_with_both_stores_and_described_as_aws_does(setup: Setup) -> None:
    request = group_request(setup)
    arn = setup.sagemaker.create_feature_group(**request)["FeatureGroupArn"]
    name = request["FeatureGroupName"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:feature-group/{name.lower()}"
    group = await_group(setup, name)
    created_at = int(group["CreationTime"].timestamp())
    assert group["FeatureGroupName"] == name
    assert group["FeatureDefinitions"] == DEFINITIONS
    assert group["OfflineStoreStatus"] == {"Status": "Active"}
    assert group["ThroughputConfig"] == {"ThroughputMode": "OnDemand"}
    assert group["OfflineStoreConfig"] == {
        "S3StorageConfig": {
            "S3Uri": "s3://toys/features/",
            "ResolvedOutputS3Uri": "s3://toys/features/000000000000/sagemaker/us-east-1/offline-store/"
            f"{name}-{created_at}/data",
        },
        "DisableGlueTableCreation": False,
        "DataCatalogConfig": {
            "TableName": f"{name.lower().replace('-', '_')}_{created_at}",
            "Catalog": "AwsDataCatalog",
            "Database": "sagemaker_featurestore",
        },
        "TableFormat": "Glue",
    }
    assert setup.sagemaker.describe_feature_group(FeatureGroupName=arn)["FeatureGroupArn"] == arn
    assert setup.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "toys"}]


def test_a_group_has_a_glue_table_with_the_columns_that_the_store_adds(setup: Setup) -> None:
    config = await_group(setup, create_group(setup))["OfflineStoreConfig"]
    catalog = config["DataCatalogConfig"]
    table = setup.cloud.client("glue").get_table(DatabaseName=catalog["Database"], Name=catalog["TableName"])["Table"]
    assert {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]} == {
        "order_id": "string",
        "ordered_at": "string",
        "tacos": "bigint",
        "minutes": "double",
        "write_time": "timestamp",
        "api_invocation_time": "timestamp",
        "is_deleted": "boolean",
    }
    assert [column["Name"] for column in table["PartitionKeys"]] == ["year", "month", "day", "hour"]
    assert table["StorageDescriptor"]["Location"] == config["S3StorageConfig"]["ResolvedOutputS3Uri"]


def test_without_a_table_or_an_offline_store_nothing_is_put_into_glue(setup: Setup) -> None:
    bare = await_group(setup, create_group(setup, OfflineStoreConfig={**OFFLINE, "DisableGlueTableCreation": True}))
    assert "DataCatalogConfig" not in bare["OfflineStoreConfig"]
    online = await_group(setup, create_group(setup, OfflineStoreConfig=None, RoleArn=None))
    assert "OfflineStoreConfig" not in online
    assert "OfflineStoreStatus" not in online


def test_creation_and_deletion_are_events_in_awss_shape(setup: Setup) -> None:
    name = create_group(setup)
    arn = setup.sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupArn"]
    setup.sagemaker.delete_feature_group(FeatureGroupName=name)

    def of_group(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [event for event in heard if event["resources"] == [arn]]

    heard = of_group(setup.events(lambda heard: len(of_group(heard)) == 3))
    assert {event["detail-type"] for event in heard} == {"SageMaker Feature Group State Change"}
    assert [event["detail"]["FeatureGroupStatus"] for event in heard] == ["Creating", "Active", "Deleting"]
    detail = heard[1]["detail"]
    assert detail["FeatureGroupName"] == name
    assert detail["Tags"] == {"team": "toys"}
    assert isinstance(detail["CreationTime"], int)
    assert detail["OfflineStoreConfig"]["DataCatalogConfig"]["Database"] == "sagemaker_featurestore"


def test_groups_are_listed_by_name_status_and_offline_status(setup: Setup) -> None:
    names = [create_group(setup, FeatureGroupName=f"listed-{letter}") for letter in "ab"]
    names.append(create_group(setup, FeatureGroupName="listed-c", OfflineStoreConfig=None))

    def listed(**filters: Any) -> list[str]:
        pages = setup.sagemaker.get_paginator("list_feature_groups").paginate(NameContains="listed-", **filters)
        return [group["FeatureGroupName"] for page in pages for group in page["FeatureGroupSummaries"]]

    assert listed(SortBy="Name") == names
    assert listed(SortBy="Name", SortOrder="Descending", MaxResults=1) == names[::-1]
    assert listed(OfflineStoreStatusEquals="Active", SortBy="OfflineStoreStatus", MaxResults=1) == names[:2]
    assert sorted(listed(SortBy="OfflineStoreStatus", MaxResults=1)) == names
    assert listed(FeatureGroupStatusEquals="CreateFailed") == []
    answer = setup.sagemaker.list_feature_groups(NameContains="listed-a")["FeatureGroupSummaries"][0]
    assert answer["FeatureGroupStatus"] == "Created"


def test_features_are_added_and_the_table_follows(setup: Setup) -> None:
    name = create_group(setup)
    addition = {"FeatureName": "store", "FeatureType": "String"}
    setup.sagemaker.update_feature_group(FeatureGroupName=name, FeatureAdditions=[addition])
    group = await_group(setup, name)
    assert group["FeatureDefinitions"] == [*DEFINITIONS, addition]
    assert group["LastUpdateStatus"] == {"Status": "Successful"}
    catalog = group["OfflineStoreConfig"]["DataCatalogConfig"]
    table = setup.cloud.client("glue").get_table(DatabaseName=catalog["Database"], Name=catalog["TableName"])["Table"]
    assert {"Name": "store", "Type": "string"} in table["StorageDescriptor"]["Columns"]
    code, message = refusal(setup.sagemaker.update_feature_group, FeatureGroupName=name, FeatureAdditions=[addition])
    assert (code, message) == ("ValidationException", "Validation Error: FeatureName store is used more than once.")


def test_a_deleted_group_is_gone_and_its_name_is_free(setup: Setup) -> None:
    name = create_group(setup)
    setup.sagemaker.delete_feature_group(FeatureGroupName=name)

    def gone() -> bool:
        try:
            setup.sagemaker.describe_feature_group(FeatureGroupName=name)
        except ClientError as error:
            return error.response["Error"]["Code"] == "ResourceNotFound"
        return False

    wait_for(gone, "deletion")
    create_group(setup, FeatureGroupName=name)


def test_what_was_put_a_moment_before_the_deletion_is_in_the_offline_store(setup: Setup) -> None:
    name = create_group(setup)
    config = await_group(setup, name)["OfflineStoreConfig"]["S3StorageConfig"]
    record = as_record({"order_id": "last", "ordered_at": "2026-01-01T10:00:00Z"})
    setup.cloud.client("sagemaker-featurestore-runtime").put_record(FeatureGroupName=name, Record=record)
    setup.sagemaker.delete_feature_group(FeatureGroupName=name)
    prefix = config["ResolvedOutputS3Uri"].removeprefix("s3://toys/")
    wait_for(lambda: setup.s3.list_objects_v2(Bucket="toys", Prefix=prefix)["KeyCount"], "its file")


def test_a_taken_and_a_missing_name_are_refused_in_awss_words(setup: Setup) -> None:
    request = group_request(setup)
    setup.sagemaker.create_feature_group(**request)
    name = request["FeatureGroupName"]
    code, message = refusal(setup.sagemaker.create_feature_group, **request)
    assert code == "ResourceInUse"
    assert message.startswith(f"Resource Already Exists: FeatureGroup with name {name} already exists.")
    code, message = refusal(setup.sagemaker.describe_feature_group, FeatureGroupName="nobody")
    assert code == "ResourceNotFound"
    assert message == "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name nobody"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"OnlineStoreConfig": None, "OfflineStoreConfig": None}, "at least one of OnlineStoreConfig and"),
        ({"RoleArn": None}, "RoleArn is required"),
        ({"RecordIdentifierFeatureName": "nobody"}, "RecordIdentifierFeatureName nobody must be the name of a feature"),
        ({"EventTimeFeatureName": "tacos"}, "must be of type String or Fractional; found Integral"),
        ({"FeatureDefinitions": [*DEFINITIONS, DEFINITIONS[0]]}, "FeatureName order_id is used more than once"),
        (
            {"FeatureDefinitions": [*DEFINITIONS, {"FeatureName": "is_deleted", "FeatureType": "String"}]},
            "FeatureName is_deleted is reserved",
        ),
        ({"OfflineStoreConfig": {**OFFLINE, "TableFormat": "Iceberg"}}, "TableFormat Iceberg is not available"),
        ({"OnlineStoreConfig": {"EnableOnlineStore": True, "StorageType": "InMemory"}}, "StorageType InMemory"),
        ({"RoleArn": "arn:aws:iam::000000000000:role/nobody"}, "Could not assume role"),
    ],
)
def test_a_group_that_could_not_hold_records_is_refused(setup: Setup, changes: dict[str, Any], expected: str) -> None:
    code, message = refusal(setup.sagemaker.create_feature_group, **group_request(setup, **changes))
    assert code == "ValidationException"
    assert expected in message


def test_a_bucket_that_the_role_cannot_see_fails_the_creation_with_its_reason(setup: Setup) -> None:
    blind = setup.make_role("blind-to-buckets", ["logs:*"])
    request = group_request(setup, RoleArn=blind)
    setup.sagemaker.create_feature_group(**request)
    group = await_group(setup, request["FeatureGroupName"], "CreateFailed")
    assert "AccessDenied" in group["FailureReason"]
    assert '"s3:GetBucketAcl"' in group["FailureReason"]
    absent = group_request(setup, OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://no-such-bucket-here/x"}})
    setup.sagemaker.create_feature_group(**absent)
    assert "NoSuchBucket" in await_group(setup, absent["FeatureGroupName"], "CreateFailed")["FailureReason"]
