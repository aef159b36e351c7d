"""boto3 clients for the services of a stack: on loopback only, with the keys and endpoints of its configuration."""

import json
import threading
from collections.abc import Container, Mapping
from typing import Any, Protocol
from urllib.parse import urlparse

import boto3
from botocore.config import Config

from localcloud.engine import invocation
from localcloud.engine.errors import EngineError, UnsupportedError
from localcloud.engine.resource import Resource
from localcloud.engine.types import TYPES

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The provider's names of services whose name boto3 spells otherwise.
_PROVIDER_NAMES = {
    "events": ("events", "eventbridge", "cloudwatchevents"),
    "logs": ("logs", "cloudwatchlogs"),
    "stepfunctions": ("stepfunctions", "sfn"),
}


class Manageable(Protocol):
    """What the engine does with a resource; see `resource.Resource`."""

    def check(self, inputs: Mapping[str, Any]) -> None: ...  # noqa: D102

    def create(  # noqa: D102
        self, inputs: Mapping[str, Any], *, adopt: bool = False, others: Container[str] = ()
    ) -> tuple[str, dict[str, Any]]: ...

    def update(  # noqa: D102
        self, resource_id: str, inputs: Mapping[str, Any], changed: set[str], before: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]: ...

    def read(self, resource_id: str, inputs: Mapping[str, Any]) -> dict[str, Any] | None: ...  # noqa: D102

    def delete(self, resource_id: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None: ...  # noqa: D102

    def delete_pending(self, inputs: Mapping[str, Any], *, others: Container[str] = ()) -> None: ...  # noqa: D102


class Aws:
    """The account behind a stack, or behind an explicit provider of it."""

    def __init__(self, config: Mapping[str, str], endpoint_url: str) -> None:
        """Takes configuration and the address that replaces every configured one.

        Args:
            config: Values of the `aws:` namespace, without it (`region`, `endpoints`, …).
            endpoint_url: Where the local cloud listens now.
        """
        self._config = config
        self._endpoint_url = _on_loopback(endpoint_url, "the local cloud")
        self._endpoints = {
            service: _on_loopback(url, service)
            for entry in json.loads(config.get("endpoints", "[]"))
            for service, url in entry.items()
        }
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._account = ""

    @property
    def region(self) -> str:
        """The stack's region."""
        return self._config.get("region", "us-east-1")

    @property
    def account(self) -> str:
        """The account's id; asked for once."""
        if not self._account:
            self._account = str(self.client("sts").get_caller_identity()["Account"])
        return self._account

    def client(self, service: str) -> Any:
        """A client of a service.

        Raises:
            EngineError: The stack's configuration has endpoints, but none for this service.
        """
        names = _PROVIDER_NAMES.get(service, (service,))
        if not any(name in self._endpoints for name in names):
            raise EngineError(
                f"aws:endpoints names no endpoint for {names[-1]}.",
                "Add it to the stack file; the real provider would go to AWS.",
            )
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.Session(
                    aws_access_key_id=self._config.get("accessKey", "test"),
                    aws_secret_access_key=self._config.get("secretKey", "test"),
                    region_name=self.region,
                ).client(
                    service,
                    endpoint_url=self._endpoint_url,
                    config=Config(
                        s3={"addressing_style": "path"},
                        retries={"max_attempts": 3},
                        max_pool_connections=32,
                        read_timeout=330,
                        proxies={},
                    ),
                )
            return self._clients[service]

    def resource(self, type_: str, *, planned: bool = False) -> Manageable:
        """What manages resources of a type; `planned` asks AWS nothing.

        Raises:
            UnsupportedError: There is no row for the type.
        """
        if type_ == invocation.TYPE:
            return invocation.Invocation(self.client(invocation.SERVICE))
        row = TYPES.get(type_)
        if row is None:
            raise UnsupportedError(
                f"The local engine has no row for {type_}.",
                "Add one to localcloud/engine/types/, or run this stack with the Pulumi CLI.",
            )
        return Resource(row, self.client(row.service), self.region, "" if planned else self.account)


def _on_loopback(url: str, what: str) -> str:
    if urlparse(url).hostname not in _LOOPBACK:
        raise EngineError(
            f"The endpoint of {what} is {url}, which is not on this machine.",
            "The local engine talks to loopback only; use the Pulumi CLI for this stack.",
        )
    return url
