"""The account that a command talks to: a stack's names and AWS clients, on this machine or on AWS."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from comal.cli.repository import Repository, find_repository
from comal.clients import Connection
from comal.errors import PlatformError
from comal.names import Names

LOCAL_STACK = "local"


@dataclass(frozen=True)
class Target:
    """A stack in an account and region."""

    repository: Repository
    stack: str
    connection: Connection

    @cached_property
    def names(self) -> Names:
        """What the stack's resources are called; asks AWS once which account we are."""
        account = self.client("sts").get_caller_identity()["Account"]
        return Names(self.stack, account, self.connection.region)

    def client(self, service: str) -> Any:
        """The boto3 client of a service in the stack's account and region."""
        return self.connection.client(service)

    @property
    def option(self) -> str:
        """What to append to a command so that it means this stack."""
        return "" if self.stack == LOCAL_STACK else f" -s {self.stack}"


def open_target(stack: str) -> Target:
    """The account behind a stack.

    Region, and where the stack file has them endpoints, profile and keys, come from the file; the rest from the
    environment, as with every AWS tool. The stack `local` talks to the local cloud's present port.

    Raises:
        UserError: We are outside a clone, or there is no such stack.
        PlatformError: The stack is `local` and the local cloud is not running, or the stack has no region.
    """
    repository = find_repository()
    config = repository.stack_config(stack)
    return Target(
        repository,
        stack,
        Connection(
            region=_region(stack, config),
            endpoint_url=_local_endpoint(repository) if stack == LOCAL_STACK else _configured_endpoint(config),
            access_key=_text(config, "aws:accessKey"),
            secret_key=_text(config, "aws:secretKey"),
            profile=_text(config, "aws:profile"),
        ),
    )


def _text(config: dict[str, Any], key: str) -> str | None:
    value = config.get(key)
    return value if isinstance(value, str) else None


def _region(stack: str, config: dict[str, Any]) -> str:
    region = _text(config, "aws:region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise PlatformError(
            f"Stack '{stack}' has no region.", next_step=f"Run: pulumi config set aws:region eu-west-1 --stack {stack}"
        )
    return region


def _local_endpoint(repository: Repository) -> str:
    from localcloud import cloud

    info = cloud.status(repository.local_dir)
    if info is None:
        raise PlatformError(
            "The local cloud is not running.", next_step="Run `comal cloud start`, or `comal up` for the whole stack."
        )
    return str(info.url)


def _configured_endpoint(config: dict[str, Any]) -> str | None:
    """The endpoint that a stack file names for every service (LocalStack and its like), if it names any."""
    endpoints = config.get("aws:endpoints")
    if isinstance(endpoints, str):
        endpoints = json.loads(endpoints)
    urls = {url for service in endpoints or [] for url in service.values()}
    return urls.pop() if len(urls) == 1 else None
