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
from localcloud.engine.values import is_unknown

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

    def is_refusal(self, error: BaseException | None) -> bool: ...  # noqa: D102

    def delete_pending(self, inputs: Mapping[str, Any], *, others: Container[str] = ()) -> None: ...  # noqa: D102


class Aws:
    """The account behind a stack, or behind an explicit provider of it."""

    def __init__(self, config: Mapping[str, Any], endpoint_url: str) -> None:
        """Takes configuration and the address that replaces every configured one.

        Args:
            config: Values of the `aws:` namespace, without it (`region`, `endpoints`, …).
            endpoint_url: Where the local cloud listens now.
        """
        # The state file has only digests of a provider's secrets.
        self._config = {key: value for key, value in config.items() if isinstance(value, str)}
        self._endpoint_url = _on_loopback(endpoint_url, "the local cloud")
        self._endpoints = {
            service: _on_loopback(url, service)
            for entry in json.loads(self._config.get("endpoints", "[]"))
            for service, url in entry.items()
        }
        self._lock = threading.Lock()
        self._session = boto3.Session(
            aws_access_key_id=self._config.get("accessKey", "test"),
            aws_secret_access_key=self._config.get("secretKey", "test"),
            region_name=self.region,
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._account = ""

    @property
    def region(self) -> str:
        """The stack's region."""
        return self._config.get("region", "us-east-1")

    @property
    def default_tags(self) -> dict[str, str]:
        """Tags that every resource gets unless it has others of the same key; none while they are unknown."""
        text = self._config.get("defaultTags", "{}")
        return {} if is_unknown(text) else dict(json.loads(text).get("tags") or {})

    @property
    def account(self) -> str:
        """The account's id; asked for once."""
        if not self._account:
            self._account = str(self.client("sts").get_caller_identity()["Account"])
        return self._account

    def client(self, service: str, region: str = "") -> Any:
        """A client of a service, in the stack's region unless another is named.

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
            if (service, region) not in self._clients:
                self._clients[service, region] = self._session.client(
                    service,
                    region_name=region or self.region,
                    endpoint_url=self._endpoint_url,
                    config=Config(
                        s3={"addressing_style": "path"},
                        retries={"max_attempts": 3},
                        max_pool_connections=32,
                        read_timeout=330,
                        proxies={},
                    ),
                )
            return self._clients[service, region]

    def resource(self, type_: str, *, region: str = "", planned: bool = False) -> Manageable:
        """What manages resources of a type; `planned` asks AWS nothing.

        Args:
            type_: Type token.
            region: Region of the resource; empty for the stack's.
            planned: Whether AWS is asked nothing.

        Raises:
            UnsupportedError: There is no row for the type.
        """
        if type_ == invocation.TYPE:
            return invocation.Invocation(self.client(invocation.SERVICE, region))
        row = TYPES.get(type_)
        if row is None:
            raise UnsupportedError(
                f"The local engine has no row for {type_}.",
                "Add one to localcloud/engine/types/, or run this stack with the Pulumi CLI.",
            )
        account = "" if planned else self.account
        return Resource(row, self.client(row.service, region), region or self.region, account)


def _on_loopback(url: str, what: str) -> str:
    if urlparse(url).hostname not in _LOOPBACK:
        raise EngineError(
            f"The endpoint of {what} is {url}, which is not on this machine.",
            "The local engine talks to loopback only; use the Pulumi CLI for this stack.",
        )
    return url
