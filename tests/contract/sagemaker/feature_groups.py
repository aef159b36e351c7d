"""A feature group of orders, for the tests of groups and records."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.contract.sagemaker.conftest import Setup, wait_for

DEFINITIONS = [
    {"FeatureName": "order_id", "FeatureType": "String"},
    {"FeatureName": "ordered_at", "FeatureType": "String"},
    {"FeatureName": "tacos", "FeatureType": "Integral"},
    {"FeatureName": "minutes", "FeatureType": "Fractional"},
]
OFFLINE = {"S3StorageConfig": {"S3Uri": "s3://toys/features/"}}


def group_request(setup: Setup, **changes: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "FeatureGroupName": f"Orders-{uuid4().hex[:8]}",
        "RecordIdentifierFeatureName": "order_id",
        "EventTimeFeatureName": "ordered_at",
        "FeatureDefinitions": DEFINITIONS,
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": OFFLINE,
        "RoleArn": setup.role,
        "Description": "orders",
        "Tags": [{"Key": "team", "Value": "toys"}],
    } | changes
    return {name: value for name, value in request.items() if value is not None}


def create_group(setup: Setup, **changes: Any) -> str:
    request = group_request(setup, **changes)
    setup.sagemaker.create_feature_group(**request)
    name: str = request["FeatureGroupName"]
    await_group(setup, name)
    return name


def await_group(setup: Setup, name: str, status: str = "Created") -> dict[str, Any]:
    def settled() -> dict[str, Any] | None:
        group: dict[str, Any] = setup.sagemaker.describe_feature_group(FeatureGroupName=name)
        return group if group["FeatureGroupStatus"] not in ("Creating", "Deleting") else None

    found: dict[str, Any] = wait_for(settled, f"{name} to settle")
    assert found["FeatureGroupStatus"] == status, found.get("FailureReason")
    return found


def as_record(values: Mapping[str, object]) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": str(value)} for name, value in values.items()]
