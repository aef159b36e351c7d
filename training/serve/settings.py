"""What the serving process reads from its environment."""

import os
from collections.abc import Mapping

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from comal.errors import UserError

# AWS's long-standing quota for real-time endpoints; serverless ones take 4 MB and refuse the rest themselves.
# https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-test-endpoints.html
DEFAULT_MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


class ServeSettings(BaseModel):
    """Where to listen and what to say.

    Attributes:
        port: TCP port on every address of the container.
        unix_socket: Path of a Unix socket to listen on instead; the local cloud's way.
        version: Version of the model, repeated in every answer.
        expires_at: From when on every request is refused; None: never.
        max_payload_bytes: Longest body that is read.
        max_batch_payload_mb: Longest body of a transform job's requests, in MiB; 0 behind an endpoint.
    """

    port: int = Field(8080, alias="SAGEMAKER_BIND_TO_PORT", ge=1, le=65535)
    unix_socket: str | None = Field(None, alias="SAGEMAKER_BIND_TO_UNIX_SOCKET")
    version: str | None = Field(None, alias="COMAL_MODEL_VERSION")
    expires_at: AwareDatetime | None = Field(None, alias="COMAL_EXPIRES_AT")
    max_payload_bytes: int = Field(DEFAULT_MAX_PAYLOAD_BYTES, alias="COMAL_MAX_PAYLOAD_BYTES", ge=1)
    max_batch_payload_mb: int = Field(0, alias="SAGEMAKER_MAX_PAYLOAD_IN_MB", ge=0)

    @property
    def longest_body_bytes(self) -> int:
        """What to read at most, behind an endpoint or in a transform job."""
        return max(self.max_payload_bytes, self.max_batch_payload_mb * 1024 * 1024)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ServeSettings":
        """Read the settings.

        Raises:
            UserError: A variable has a value that cannot be used.
        """
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise UserError(
                f"Environment variable {problem['loc'][0]} is '{problem['input']}': {problem['msg']}.",
                next_step="Correct it in the model's Environment.",
            ) from error
