"""Telling "it is not there" from every other error that SageMaker answers with.

SageMaker has no error code for it: most operations answer ValidationException, and only the text differs. The texts are
those that the providers of Terraform and Kubernetes match on (internal/service/sagemaker/find.go of
hashicorp/terraform-provider-aws).
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

_ABSENT_CODES = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
_ABSENT_TEXTS = ("could not find", "does not exist", "not found")


def is_absent(error: ClientError) -> bool:
    """Whether an error of a Describe, List or Delete says that its resource is not there."""
    found = error.response["Error"]
    if found["Code"] in _ABSENT_CODES:
        return True
    text = found.get("Message", "").lower()
    return found["Code"] == "ValidationException" and any(absent in text for absent in _ABSENT_TEXTS)


def describe_or_none(describe: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any] | None:
    """The answer of a Describe call, or None when the resource is not there."""
    try:
        return describe(**request)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
