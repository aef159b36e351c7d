"""How a service of our own refuses a call."""


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
    """`ValidationException`, the front ends' word for a request that does not fit."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)
