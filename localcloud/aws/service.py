"""The protocol by which a service of our own plugs into the edge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from localcloud.aws.request import Request, Response


class Service(Protocol):
    """One AWS service answered by us and not by MiniStack.

    `routing.py` says which calls belong to which service name.
    """

    @property
    def name(self) -> str:
        """Name of the service in `routing.py` (`sagemaker`)."""
        ...

    def resource_arn(self, request: Request) -> str:
        """The ARN that IAM judges this call on; `*` where AWS has no resource for it."""
        ...

    async def handle(self, request: Request) -> Response:
        """Answer one call that IAM has allowed; must not block the event loop."""
        ...

    async def start(self) -> None:
        """Called before the first call. The port does not answer yet; `put_aws_event` works."""
        ...

    async def stop(self) -> None:
        """Called at shutdown, when the port no longer answers; ends every child process it started."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """One question to IAM: may the caller do this?

    Attributes:
        action: `application-autoscaling:RegisterScalableTarget`, ….
        resource_arn: On what.
        context: Condition keys that AWS sends along.
    """

    action: str
    resource_arn: str
    context: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Judged(Protocol):
    """A service whose calls need more than their own action: condition keys, or rights on other services.

    A service without it is judged on the call's action and `resource_arn` alone.
    """

    def judgements(self, request: Request) -> Sequence[Judgement]:
        """All that IAM judges about a call, its own action first; every one must be allowed."""
        ...
