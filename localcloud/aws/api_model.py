"""A service's API as botocore describes it: the one source of operations, shapes and constraints."""

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from localcloud.aws.api_errors import ApiError


class ApiModel:
    """One service's API."""

    def __init__(self, service: str) -> None:
        """`service` is botocore's name of it (`sagemaker`)."""
        self.service = service

    def input_shape(self, operation: str) -> Any:
        """The shape of a request.

        Raises:
            ApiError: The service has no such operation.
        """
        try:
            return service_model(self.service).operation_model(operation).input_shape
        except OperationNotFoundError:
            message = f"{operation} is not an operation of {self.service}."
            raise ApiError("UnknownOperationException", message) from None

    def output_shape(self, operation: str) -> Any:
        """The shape of a response, or None."""
        return service_model(self.service).operation_model(operation).output_shape

    def output_members(self, operation: str) -> frozenset[str]:
        """The names of the members of a response; empty for a response without a body."""
        shape = self.output_shape(operation)
        return frozenset(shape.members) if shape is not None else frozenset()

    def structure_members(self, shape: str) -> frozenset[str]:
        """The names of the members of a structure (`TrainingJobSummary`)."""
        return _structure_members(self.service, shape)


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service, without its documentation (two thirds of its memory)."""
    description = Loader().load_service_model(service, "service-2")
    for shape in description["shapes"].values():
        shape.pop("documentation", None)
        for member in shape.get("members", {}).values():
            member.pop("documentation", None)
    for operation in description["operations"].values():
        operation.pop("documentation", None)
    return ServiceModel(description, service)


@cache
def _structure_members(service: str, shape: str) -> frozenset[str]:
    return frozenset(service_model(service).shape_for(shape).members)
