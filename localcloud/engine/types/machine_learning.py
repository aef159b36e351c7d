"""SageMaker."""

from typing import Any

from localcloud.engine.errors import EngineError
from localcloud.engine.resource_type import ResourceType, Tagging

_TAGGING = Tagging("add_tags", "delete_tags", {"ResourceArn": "out.arn"})


def _is_settled(client: Any, name: str) -> bool:
    found = client.describe_endpoint(EndpointName=name)
    if found["EndpointStatus"] == "Failed":
        raise EngineError(f"Endpoint {name} failed: {found.get('FailureReason')}", "Look at its log.")
    return bool(found["EndpointStatus"] == "InService")


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
}
