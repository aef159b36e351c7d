"""Answers SageMaker's JSON-RPC operations: validate, look the operation up, keep to the answer's shape."""

from collections.abc import Mapping
from functools import partial

from localcloud.aws.api_validation import validate
from localcloud.aws.sagemaker.api_model import input_shape, output_members
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.errors import ApiError
from localcloud.aws.sagemaker.families import FAMILIES, Family
from localcloud.aws.sagemaker.listing import list_resources
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document

# What stands before a family's name in the operations on one resource.
_VERBS = ("Create", "Describe", "Update", "Stop", "Delete", "ListTrainingJobsFor")


class ControlPlane:
    """All operations: those that the table of families gives, and the special ones."""

    def __init__(self, catalogue: Catalogue, special: Mapping[str, Operation]) -> None:
        self._operations: dict[str, Operation] = {}
        for family in FAMILIES.values():
            self._operations[f"Describe{family.name}"] = partial(_describe, catalogue, family)
            self._operations[f"List{family.name}s"] = partial(list_resources, catalogue.store, family)
        self._operations |= special

    def answer(self, operation: str, scope: Scope, request: Document) -> Document:
        """The answer to one call.

        Raises:
            ApiError: The call is refused.
        """
        validate(input_shape(operation), request)
        handler = self._operations.get(operation)
        if handler is None:
            raise ApiError("UnknownOperationException", f"The local SageMaker has no {operation}.")
        answer = handler(scope, request)
        members = output_members(operation)
        return {name: value for name, value in answer.items() if name in members}


def resource_arn(operation: str, scope: Scope, request: Document) -> str:
    """What IAM judges a call on; `*` for lists.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
    """
    if "ResourceArn" in request:
        return str(request["ResourceArn"])
    for family in FAMILIES.values():
        if operation in {verb + family.name for verb in _VERBS}:
            if family.arn_field in request:
                return str(request[family.arn_field])
            name = str(request.get(family.name_field) or request.get("ModelPackageGroupName", "*"))
            return name if name.startswith("arn:") else scope.arn(family.arn_token, name)
    return "*"


def _describe(catalogue: Catalogue, family: Family, scope: Scope, request: Document) -> Document:
    # Some families take an ARN for a name.
    name = request[family.name_field].rpartition("/")[2]
    return catalogue.find(family, scope, name).document
