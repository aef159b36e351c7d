"""What SageMaker answers when it refuses a call, in its own wording."""

from localcloud.aws.api_errors import ApiError, ValidationError

__all__ = ["ApiError", "ContainerFailure", "ValidationError", "invalid_role"]


class ContainerFailure(Exception):  # noqa: N818  (SageMaker's word: it becomes a FailureReason)
    """Why a job or an endpoint failed; the text becomes its FailureReason."""


def invalid_role(role_arn: str) -> ValidationError:
    """AWS's answer to a role that SageMaker may not assume.

    https://repost.aws/knowledge-center/sagemaker-could-not-assume-role
    """
    return ValidationError(
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    )
