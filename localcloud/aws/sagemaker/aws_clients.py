"""Calls from SageMaker to the rest of the cloud: as root for its own housekeeping, as a role for a job's data."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from localcloud.aws.sagemaker.errors import invalid_role

PRINCIPAL = "sagemaker.amazonaws.com"
# Root of the local cloud.
_ROOT_KEY = "test"
_READY_POLL_S = 0.05
_CONFIG = Config(
    retries={"max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=60
)


class RoleSession(Protocol):
    """Credentials of an assumed role."""

    @property
    def access_key(self) -> str: ...  # noqa: D102
    @property
    def secret_key(self) -> str: ...  # noqa: D102
    @property
    def token(self) -> str: ...  # noqa: D102


AssumeRole = Callable[[str, str], RoleSession]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Access key, secret key and session token."""

    access_key: str
    secret_key: str
    token: str | None = None


class AwsClients:
    """Makes clients for the edge's own URL."""

    def __init__(self, edge_url: str, assume_role: AssumeRole) -> None:
        self.edge_url = edge_url
        self._assume_role = assume_role
        self._session = Session()
        self._lock = threading.Lock()
        self._root_clients: dict[tuple[str, str], Any] = {}

    def wait_until_ready(self, timeout_s: float) -> None:
        """Waits until the edge's port answers; services start before it does.

        Raises:
            OSError: It does not within the timeout.
        """
        address = urlsplit(self.edge_url)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                socket.create_connection((address.hostname, address.port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_READY_POLL_S)
            else:
                return

    def as_root(self, service: str, region: str) -> Any:
        """A client for housekeeping; shared."""
        key = (service, region)
        with self._lock:
            if key not in self._root_clients:
                self._root_clients[key] = self._make(service, region, Credentials(_ROOT_KEY, _ROOT_KEY))
            return self._root_clients[key]

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        """Session credentials of a role, as SageMaker hands them to a container."""
        session = self._assume_role(role_arn, session_name)
        return Credentials(session.access_key, session.secret_key, session.token)

    def as_role(self, service: str, region: str, credentials: Credentials) -> Any:
        """A client that is judged by the role's policies."""
        with self._lock:
            return self._make(service, region, credentials)

    def check_role(self, role_arn: str, region: str) -> None:
        """Refuses a role that does not exist or does not trust SageMaker, as the Create operations do.

        Raises:
            ValidationError: In AWS's wording.
        """
        try:
            role = self.as_root("iam", region).get_role(RoleName=role_arn.rsplit("/", 1)[-1])["Role"]
        except ClientError:
            raise invalid_role(role_arn) from None
        if role["Arn"] != role_arn or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
            raise invalid_role(role_arn)

    def _make(self, service: str, region: str, credentials: Credentials) -> Any:
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self.edge_url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=_CONFIG,
        )


def assume_role(role_arn: str, session_name: str) -> RoleSession:
    """Session credentials by the edge itself."""
    # MiniStack reads its settings while it is imported; only the running edge may import it.
    from localcloud.aws.ministack_patches import roles

    return roles.assume(role_arn, session_name)


def _trusts_sagemaker(policy: Any) -> bool:
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else [principal]
        names = [services] if isinstance(services, str) else services
        if statement.get("Effect") == "Allow" and (PRINCIPAL in names or "*" in names):
            return True
    return False
