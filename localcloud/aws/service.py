"""The protocol by which a service of our own plugs into the edge."""

from typing import Protocol

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
