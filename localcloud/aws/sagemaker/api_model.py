"""SageMaker's API as botocore describes it: the one source of operations, shapes and constraints."""

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from localcloud.aws.sagemaker.errors import ApiError


@cache
def service_model() -> ServiceModel:
    """The model of the control plane, without its documentation (two thirds of its memory)."""
    description = Loader().load_service_model("sagemaker", "service-2")
    for shape in description["shapes"].values():
        shape.pop("documentation", None)
        for member in shape.get("members", {}).values():
            member.pop("documentation", None)
    for operation in description["operations"].values():
        operation.pop("documentation", None)
    return ServiceModel(description, "sagemaker")


def input_shape(operation: str) -> Any:
    """The shape of a request.

    Raises:
        ApiError: SageMaker has no such operation.
    """
    try:
        return service_model().operation_model(operation).input_shape
    except OperationNotFoundError:
        raise ApiError("UnknownOperationException", f"{operation} is not an operation of SageMaker.") from None


def output_members(operation: str) -> frozenset[str]:
    """The names of the members of a response; empty for a response without a body."""
    shape = service_model().operation_model(operation).output_shape
    return frozenset(shape.members) if shape is not None else frozenset()


def output_shape(operation: str) -> Any:
    """The shape of a response, or None."""
    return service_model().operation_model(operation).output_shape


@cache
def structure_members(shape: str) -> frozenset[str]:
    """The names of the members of a structure (`TrainingJobSummary`)."""
    return frozenset(service_model().shape_for(shape).members)
