"""The one place of the kit that makes boto3 clients."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_ATTEMPTS = 5


def _config(attempts: int) -> Config:
    return Config(retries={"total_max_attempts": attempts, "mode": "standard"}, s3={"addressing_style": "path"})


@cache
def client(service: str) -> Any:
    """A client of the ambient AWS account; region, credentials and endpoint come from the environment."""
    return boto3.client(service, config=_config(_ATTEMPTS))


@dataclass
class Connection:
    """Clients of a named account: what a person's command uses, where a function has its environment.

    Attributes:
        region: AWS region, such as eu-west-1.
        endpoint_url: Address of every service; None means AWS.
        access_key: With `secret_key`, the credentials; None leaves them to the environment.
        secret_key: See `access_key`.
        profile: Profile of ~/.aws/config; None leaves it to the environment.
        attempts: How often a request is sent before its error shows.
    """

    region: str
    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    profile: str | None = None
    attempts: int = _ATTEMPTS
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def client(self, service: str) -> Any:
        """The client of a service; made once.

        Raises:
            botocore.exceptions.ProfileNotFound: The profile does not exist.
        """
        if service not in self._clients:
            session = boto3.Session(
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                region_name=self.region,
                profile_name=self.profile,
            )
            self._clients[service] = session.client(
                service, endpoint_url=self.endpoint_url, config=_config(self.attempts)
            )
        return self._clients[service]
