"""SageMaker."""

import time
from collections.abc import Mapping
from typing import Any

from localcloud.engine.errors import EngineError
from localcloud.engine.resource_type import ResourceType, Tagging

_POLL_S = 0.05
_TAGGING = Tagging("add_tags", "delete_tags", {"ResourceArn": "out.arn"})
# What AWS adds to the configuration: the folder of this very group, and its table.
_OFFLINE_STORE = (
    "res.OfflineStoreConfig.{disableGlueTableCreation: DisableGlueTableCreation, tableFormat: TableFormat, "
    "dataCatalogConfig: DataCatalogConfig.{catalog: Catalog, database: Database, tableName: TableName}, "
    "s3StorageConfig: S3StorageConfig.{s3Uri: S3Uri, kmsKeyId: KmsKeyId, resolvedOutputS3Uri: ResolvedOutputS3Uri}}"
)


def _is_settled(client: Any, name: str) -> bool:
    found = client.describe_endpoint(EndpointName=name)
    if found["EndpointStatus"] == "Failed":
        raise EngineError(f"Endpoint {name} failed: {found.get('FailureReason')}", "Look at its log.")
    return bool(found["EndpointStatus"] == "InService")


def _is_created(client: Any, name: str) -> bool:
    found = client.describe_feature_group(FeatureGroupName=name)
    if found["FeatureGroupStatus"] == "CreateFailed":
        raise EngineError(f"Feature group {name} failed: {found.get('FailureReason')}", "Look at its role and bucket.")
    return bool(found["FeatureGroupStatus"] == "Created")


def _add_features(client: Any, name: str, wanted: Any, _outputs: Mapping[str, Any]) -> None:
    """Adds what is new: AWS takes no feature away and changes no type."""
    present = client.describe_feature_group(FeatureGroupName=name)["FeatureDefinitions"]
    types = {one["FeatureName"]: one["FeatureType"] for one in present}
    asked = {one["featureName"]: one["featureType"] for one in wanted or ()}
    lost = sorted(feature for feature, kind in types.items() if asked.get(feature) != kind)
    if lost:
        raise EngineError(
            f"Feature group {name}: {', '.join(lost)} was taken away or changed its type, which AWS does not do.",
            "Keep it, or give the group a new name.",
        )
    added = [{"FeatureName": one, "FeatureType": kind} for one, kind in asked.items() if one not in types]
    if added:
        client.update_feature_group(FeatureGroupName=name, FeatureAdditions=added)


def _set_ttl(client: Any, name: str, wanted: Any, _outputs: Mapping[str, Any]) -> None:
    """Changes the time to live, the one thing about an online store that AWS changes."""
    present = client.describe_feature_group(FeatureGroupName=name).get("OnlineStoreConfig", {})
    asked = wanted or {}
    if bool(asked.get("enableOnlineStore")) != bool(present.get("EnableOnlineStore")):
        raise EngineError(
            f"Feature group {name}: AWS neither adds an online store to a group nor takes it away.",
            "Leave it as it is, or give the group a new name.",
        )
    found = asked.get("ttlDuration")
    ttl = {"Unit": found["unit"], "Value": int(found["value"])} if found else None
    if ttl != present.get("TtlDuration"):
        client.update_feature_group(FeatureGroupName=name, OnlineStoreConfig={"TtlDuration": ttl or {}})


def _delete_group(client: Any, name: str, _inputs: Mapping[str, Any]) -> None:
    """Deletes a feature group and waits: its role and bucket are needed until the last record is written."""
    client.delete_feature_group(FeatureGroupName=name)
    while True:
        client.describe_feature_group(FeatureGroupName=name)  # refused once it is gone, which `delete` takes as done
        time.sleep(_POLL_S)


TYPES = {
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": ResourceType(
        service="sagemaker",
        create="create_model_package_group",
        delete="delete_model_package_group",
        read="describe_model_package_group",
        id="in.modelPackageGroupName",
        key={"ModelPackageGroupName": "id"},
        tagging=_TAGGING,
        defaults={"tags": {}},
        replace=("modelPackageGroupName", "modelPackageGroupDescription"),
        outputs={"arn": "res.ModelPackageGroupArn"},
    ),
    "aws:sagemaker/model:Model": ResourceType(
        service="sagemaker",
        create="create_model",
        delete="delete_model",
        read="describe_model",
        id="in.name",
        key={"ModelName": "id"},
        name="name",
        paths={"name": "ModelName"},
        tagging=_TAGGING,
        defaults={"tags": {}},
        always_replace=True,
        outputs={"arn": "res.ModelArn"},
    ),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": ResourceType(
        service="sagemaker",
        create="create_endpoint_config",
        delete="delete_endpoint_config",
        read="describe_endpoint_config",
        id="in.name",
        key={"EndpointConfigName": "id"},
        name="name",
        paths={"name": "EndpointConfigName"},
        tagging=_TAGGING,
        defaults={"tags": {}},
        always_replace=True,
        outputs={"arn": "res.EndpointConfigArn"},
    ),
    "aws:sagemaker/endpoint:Endpoint": ResourceType(
        service="sagemaker",
        create="create_endpoint",
        delete="delete_endpoint",
        read="describe_endpoint",
        id="in.name",
        key={"EndpointName": "id"},
        name="name",
        settled=_is_settled,
        paths={"name": "EndpointName"},
        updates={"update_endpoint": ("endpointConfigName",)},
        tagging=_TAGGING,
        defaults={"tags": {}},
        replace=("name",),
        outputs={"arn": "res.EndpointArn"},
    ),
    "aws:sagemaker/featureGroup:FeatureGroup": ResourceType(
        service="sagemaker",
        create="create_feature_group",
        delete="",
        read="describe_feature_group",
        id="in.featureGroupName",
        key={"FeatureGroupName": "id"},
        settled=_is_created,
        before_delete=_delete_group,
        setters={"featureDefinitions": _add_features, "onlineStoreConfig": _set_ttl},
        tagging=_TAGGING,
        defaults={"tags": {}},
        replace=(
            "featureGroupName",
            "recordIdentifierFeatureName",
            "eventTimeFeatureName",
            "offlineStoreConfig",
            "roleArn",
            "description",
        ),
        outputs={"arn": "res.FeatureGroupArn", "offlineStoreConfig": _OFFLINE_STORE},
    ),
}
