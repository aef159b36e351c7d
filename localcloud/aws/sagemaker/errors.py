"""What SageMaker answers when it refuses a call, in its own wording."""


class ApiError(Exception):
    """A refusal that boto3 shows to the caller.

    Attributes:
        code: AWS's error code (`ValidationException`).
        message: AWS's message.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class ValidationError(ApiError):
    """The control plane's `ValidationException`."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


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
