"""Deletes what serves: versions first, so that deploy_model brings nothing back, then endpoints and what is behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from comal.absence import describe_or_none, is_absent
from comal.names import Names
from comal.scaling_config import target_id
from lambdas.clean_up.patience import wait_until
from lambdas.clean_up.tags import is_tagged

_CHANGING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
_DELETING = "Deleting"


@dataclass(frozen=True)
class ServingCleanUp:
    """What carries the tags of the stack and of one of the models; clients are boto3's."""

    names: Names
    models: Sequence[str]
    sagemaker: Any
    autoscaling: Any

    def delete_versions(self, model: str) -> None:
        """Delete all versions of a model; its group belongs to the stack."""
        pages = self.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self.names.of_model(model)
        )
        try:
            arns = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
        except ClientError as error:
            if is_absent(error):
                return
            raise
        for arn in arns:
            self._delete(self.sagemaker.delete_model_package, ModelPackageName=arn)

    def delete_endpoints(self, deadline: float) -> None:
        """Delete the models' endpoints, and wait until they are gone: their roles go next."""
        names = self._ours("list_endpoints", "Endpoints", "Endpoint")
        for name in names:
            # First: a fleet that is scaled is being changed again and again.
            self._deregister(name)
            self._await_rest(name, deadline)
            if self._status(name) != _DELETING:
                self._delete(self.sagemaker.delete_endpoint, EndpointName=name)
        wait_until(
            lambda: all(self._status(name) is None for name in names),
            what=f"Deleting the endpoints {', '.join(names)}",
            deadline=deadline,
        )

    def delete_configs_and_models(self) -> None:
        """Delete the models' endpoint configs, then their SageMaker Models."""
        for name in self._ours("list_endpoint_configs", "EndpointConfigs", "EndpointConfig"):
            self._delete(self.sagemaker.delete_endpoint_config, EndpointConfigName=name)
        for name in self._ours("list_models", "Models", "Model"):
            self._delete(self.sagemaker.delete_model, ModelName=name)

    def _deregister(self, endpoint: str) -> None:
        target = target_id(self.names, self.names.model_of(endpoint))
        request = {"ServiceNamespace": target["ServiceNamespace"], "ResourceIds": [target["ResourceId"]]}
        for _ in self.autoscaling.describe_scalable_targets(**request)["ScalableTargets"]:
            self._delete(self.autoscaling.deregister_scalable_target, **target)

    def _await_rest(self, name: str, deadline: float) -> None:
        """AWS refuses to delete an endpoint that it is changing."""
        wait_until(
            lambda: self._status(name) not in _CHANGING, what=f"Endpoint {name} being changed", deadline=deadline
        )

    def _ours(self, operation: str, key: str, kind: str) -> list[str]:
        pages = self.sagemaker.get_paginator(operation).paginate(NameContains=f"{self.names.stack}-")
        items = [item for page in pages for item in page[key]]
        return [item[f"{kind}Name"] for item in items if self._has_our_tag(item[f"{kind}Arn"])]

    def _has_our_tag(self, arn: str) -> bool:
        try:
            tags = self.sagemaker.list_tags(ResourceArn=arn)["Tags"]
        except ClientError as error:
            if is_absent(error):  # deleted since it was listed
                return False
            raise
        return is_tagged(tags, self.names, self.models)

    def _status(self, name: str) -> str | None:
        endpoint = describe_or_none(self.sagemaker.describe_endpoint, EndpointName=name)
        return endpoint["EndpointStatus"] if endpoint else None

    def _delete(self, call: Any, **request: str) -> None:
        try:
            call(**request)
        except ClientError as error:
            if not is_absent(error):
                raise
