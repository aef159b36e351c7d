"""What the edge needs of a wire protocol."""

from dataclasses import dataclass
from typing import Any, Protocol

from localcloud.aws.request import Response


class ProtocolError(Exception):
    """A body that cannot be read; the message is for the caller."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a body asks for.

    Attributes:
        operation: AWS's name of the call; some protocols write it into the body.
        document: Its parameters: numbers, texts, booleans, lists and mappings; times in epoch seconds.
    """

    operation: str
    document: dict[str, Any]


class WireProtocol(Protocol):
    """One of AWS's protocols. Services answer with JSON documents, times in epoch seconds; it writes them anew."""

    def decode(self, service: str, operation: str, body: bytes) -> Call:
        """What a body asks for.

        Args:
            service: botocore's name of the service.
            operation: As far as the address told.
            body: As it arrived, decompressed.

        Raises:
            ProtocolError: The body cannot be read.
        """
        ...

    def encode(self, service: str, operation: str, response: Response) -> Response:
        """A service's answer or refusal, as the caller expects it."""
        ...
