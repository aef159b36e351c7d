from typing import Any

import pytest
from botocore.exceptions import ClientError

from comal.absence import describe_or_none, is_absent


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeEndpoint")


@pytest.mark.parametrize(("code", "message"), [
    ("ValidationException", 'Could not find endpoint "arn:aws:sagemaker:…".'),
    ("ValidationException", "ModelPackageGroup arn:aws:sagemaker:… does not exist."),
    ("ValidationException", "Requested resource not found."),
    ("ResourceNotFound", "Feature group is not there."),
])  # fmt: skip
def test_every_way_in_which_sagemaker_says_that_something_is_not_there(code: str, message: str) -> None:
    assert is_absent(_error(code, message))


@pytest.mark.parametrize(("code", "message"), [
    ("ValidationException", 'Cannot update in-progress endpoint "arn".'),
    ("AccessDeniedException", "Role not found or not authorized."),
    ("ThrottlingException", "Rate exceeded"),
])  # fmt: skip
def test_other_errors_are_not_taken_for_absence(code: str, message: str) -> None:
    assert not is_absent(_error(code, message))


def test_describing_what_is_not_there_gives_none_and_other_errors_pass() -> None:
    def describe(*, EndpointName: str) -> dict[str, Any]:  # noqa: N803  # boto3's spelling
        if EndpointName == "there":
            return {"EndpointStatus": "InService"}
        code = "ValidationException" if EndpointName == "gone" else "ThrottlingException"
        raise _error(code, "Could not find endpoint")

    assert describe_or_none(describe, EndpointName="there") == {"EndpointStatus": "InService"}
    assert describe_or_none(describe, EndpointName="gone") is None
    with pytest.raises(ClientError, match="Throttling"):
        describe_or_none(describe, EndpointName="busy")
