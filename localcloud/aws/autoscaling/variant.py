"""The one resource that scales here: a production variant of an endpoint."""

import re
from dataclasses import dataclass
from typing import Any, Self

from localcloud.aws.api_errors import ApiError, ValidationError

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_RESOURCE_ID = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of an account's endpoint.

    Attributes:
        resource_id: `endpoint/<endpoint>/variant/<variant>`.
    """

    account: str
    region: str
    resource_id: str

    @classmethod
    def from_request(cls, account: str, region: str, request: dict[str, Any]) -> Self:
        """The variant that a request names.

        Raises:
            ApiError: It names something else.
        """
        check_namespace(request)
        dimension, resource_id = request["ScalableDimension"], request["ResourceId"]
        if dimension != DIMENSION:
            raise ValidationError(f"Scalable dimension {dimension} does not scale on this machine; {DIMENSION} does.")
        if not _RESOURCE_ID.fullmatch(resource_id):
            raise ValidationError(
                f"Unsupported service namespace, resource type or scalable dimension: {resource_id}; expected "
                "endpoint/<endpoint>/variant/<variant>."
            )
        return cls(account, region, resource_id)

    @property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return self.resource_id.split("/")[1]

    @property
    def name(self) -> str:
        """Name of the variant."""
        return self.resource_id.split("/")[3]

    def not_registered(self) -> ApiError:
        """The refusal of a call for a variant that is no scalable target."""
        return ApiError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: {NAMESPACE}, resource ID: {self.resource_id}, "
            f"scalable dimension: {DIMENSION}",
        )


def check_namespace(request: dict[str, Any]) -> None:
    """Refuses services whose capacity is not SageMaker's.

    Raises:
        ValidationError: In our own words: AWS scales these.
    """
    if request["ServiceNamespace"] != NAMESPACE:
        raise ValidationError(
            f"Service namespace {request['ServiceNamespace']} does not scale on this machine; {NAMESPACE} does."
        )
