"""One model's endpoint in SageMaker, with the Models and EndpointConfigs behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from comal.absence import describe_or_none, is_absent
from comal.names import Names
from comal.recipe import Recipe
from comal.registry import ModelVersion
from comal.scaling_config import scales
from comal.serving_config import (
    config_name,
    config_request,
    endpoint_request,
    model_request,
    version_of_config,
    version_of_model,
)
from lambdas.deploy_model.reconciliation import Endpoint

_ATTEMPT_TAG = "comal:attempt"
_ANNOUNCED_TAG = "comal:announced"
_IN_PROGRESS_TEXTS = ("in-progress", "already existing")


@dataclass(frozen=True)
class SageMakerEndpoint:
    """The endpoint of one recipe; `sagemaker` is a boto3 client, `captures` whether calls are kept."""

    sagemaker: Any
    names: Names
    recipe: Recipe
    role_arn: str
    captures: bool

    @property
    def name(self) -> str:
        """Name of the endpoint."""
        return self.names.of_model(self.recipe.model)

    def config_of(self, version: ModelVersion) -> str:
        """Name of the config that serves a version as the recipe says."""
        return config_name(self.names, self.recipe, version.version, captures=self.captures)

    def find(self) -> Endpoint | None:
        """The endpoint as it is now, or None."""
        found = describe_or_none(self.sagemaker.describe_endpoint, EndpointName=self.name)
        if found is None:
            return None
        answer = self.sagemaker.list_tags(ResourceArn=found["EndpointArn"])
        tags = {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
        variants = found.get("ProductionVariants") or [{}]
        return Endpoint(
            name=self.name,
            arn=found["EndpointArn"],
            status=found["EndpointStatus"],
            config=found.get("EndpointConfigName", ""),
            attempted_config=tags.get(_ATTEMPT_TAG, ""),
            announced_config=tags.get(_ANNOUNCED_TAG, ""),
            is_serverless="CurrentServerlessConfig" in variants[0],
            instances=variants[0].get("CurrentInstanceCount", 0),
            failure=found.get("FailureReason", ""),
            changed_at=found["LastModifiedTime"],
        )

    def prepare(self, version: ModelVersion) -> None:
        """Make the Model and the EndpointConfig of a version, unless they are there."""
        model = self.names.model_version(self.recipe.model, version.version)
        _ensure(
            lambda: describe_or_none(self.sagemaker.describe_model, ModelName=model),
            lambda: self.sagemaker.create_model(
                **model_request(self.names, self.recipe.model, version, role_arn=self.role_arn)
            ),
        )
        request = config_request(self.names, self.recipe, version.version, captures=self.captures)
        _ensure(
            lambda: describe_or_none(
                self.sagemaker.describe_endpoint_config, EndpointConfigName=request["EndpointConfigName"]
            ),
            lambda: self.sagemaker.create_endpoint_config(**request),
        )

    def create(self, version: ModelVersion) -> None:
        """Create the endpoint. Somebody else may have done so meanwhile."""
        self.prepare(version)
        _unless_in_progress(self.sagemaker.create_endpoint, self._request(version))

    def update(self, endpoint: Endpoint, version: ModelVersion) -> None:
        """Move the endpoint to a version, and note that it was tried.

        The note comes last: a crash before it leads to one more try, never to a rejection of what was not tried. A
        fleet that scales keeps its size, which the config does not know.
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        """
        self.prepare(version)
        request = self._request(version)
        request.pop("Tags")
        if scales(self.recipe) and not endpoint.is_serverless:
            request["RetainAllVariantProperties"] = True
        if _unless_in_progress(self.sagemaker.update_endpoint, request):
            self._tag(endpoint, _ATTEMPT_TAG, request["EndpointConfigName"])

    def changes_instance_type(self, endpoint: Endpoint) -> bool:
        """Whether what is served runs on instances of another type than the recipe names."""
        config = describe_or_none(self.sagemaker.describe_endpoint_config, EndpointConfigName=endpoint.config)
        served = config["ProductionVariants"][0].get("InstanceType") if config else None
        return served is not None and served != self.recipe.serving.instance

    def note_announced(self, endpoint: Endpoint) -> None:
        """Remember that ModelDeployed was sent: an endpoint is in service again each time it has been scaled."""
        self._tag(endpoint, _ANNOUNCED_TAG, endpoint.config)

    def forget_attempt(self, endpoint: Endpoint) -> None:
        """Allow that the config of the last attempt is tried again."""
        if endpoint.attempted_config:
            self.sagemaker.delete_tags(ResourceArn=endpoint.arn, TagKeys=[_ATTEMPT_TAG])

    def delete(self) -> None:
        """Delete the endpoint; its configs and models stay."""
        _unless_absent(self.sagemaker.delete_endpoint, EndpointName=self.name)

    def delete_old(self, served_config: str) -> None:
        """Delete configs and Models that are older than the one served before `served_config`."""
        model = self.recipe.model
        configs = [
            config
            for config in self._list("list_endpoint_configs", "EndpointConfigs")
            if version_of_config(self.names, model, config["EndpointConfigName"]) is not None
        ]
        configs.sort(key=lambda config: config["CreationTime"], reverse=True)
        names = [config["EndpointConfigName"] for config in configs]
        if served_config not in names:
            return
        previous = names.index(served_config) + 1
        for config in names[previous + 1 :]:
            _unless_absent(self.sagemaker.delete_endpoint_config, EndpointConfigName=config)
        kept = [version_of_config(self.names, model, config) or 0 for config in names[: previous + 1]]
        for found in self._list("list_models", "Models"):
            version = version_of_model(self.names, model, found["ModelName"])
            if version is not None and version < min(kept):
                _unless_absent(self.sagemaker.delete_model, ModelName=found["ModelName"])

    def _request(self, version: ModelVersion) -> dict[str, Any]:
        return endpoint_request(self.names, self.recipe, version.version, captures=self.captures)

    def _tag(self, endpoint: Endpoint, key: str, value: str) -> None:
        self.sagemaker.add_tags(ResourceArn=endpoint.arn, Tags=[{"Key": key, "Value": value}])

    def _list(self, operation: str, key: str) -> list[dict[str, Any]]:
        pages = self.sagemaker.get_paginator(operation).paginate(NameContains=f"{self.name}-v")
        return [item for page in pages for item in page[key]]


def _ensure(find: Callable[[], Any], create: Callable[[], Any]) -> None:
    """Create what is not there. Somebody else may do so at the same moment."""
    if find() is not None:
        return
    try:
        create()
    except ClientError:
        if find() is None:
            raise


def _unless_in_progress(call: Callable[..., Any], request: dict[str, Any]) -> bool:
    """Whether the call was taken. It is not while the endpoint is changed already: the end of that is an event."""
    try:
        call(**request)
    except ClientError as error:
        if any(text in error.response["Error"]["Message"] for text in _IN_PROGRESS_TEXTS):
            return False
        raise
    return True


def _unless_absent(call: Callable[..., Any], **request: Any) -> None:
    try:
        call(**request)
    except ClientError as error:
        if not is_absent(error):
            raise
