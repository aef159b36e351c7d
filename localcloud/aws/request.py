"""What the edge hands to a service of its own, and what it gets back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_CONTENT_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True, slots=True)
class Request:
    """One authenticated and authorised AWS call.

    Attributes:
        service: Name of the service it is for (`sagemaker`, `sagemaker-runtime`, …).
        operation: AWS's name of the call (`CreateTrainingJob`).
        body: The parsed document of a JSON-RPC call; the raw bytes of a REST call.
        headers: Header values by lower-case name.
        path_parameters: Values from the path of a REST call (`{"name": "tacos"}`).
        query_string: What follows the path's question mark, as it arrived.
    """

    service: str
    operation: str
    body: dict[str, Any] | bytes
    headers: Mapping[str, str]
    method: str
    path: str
    account: str
    region: str
    access_key: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    query_string: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The parsed body of a JSON-RPC call.

        Raises:
            TypeError: The call carries raw bytes.
        """
        if isinstance(self.body, bytes):
            raise TypeError(f"{self.service}:{self.operation} carries bytes, not a JSON document")
        return self.body


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; the edge adds the request id and the date."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, document: Mapping[str, Any], status: int = 200) -> "Response":
        """A JSON-RPC answer."""
        return cls(status, json.dumps(document).encode(), {"content-type": JSON_CONTENT_TYPE})

    @classmethod
    def error(cls, code: str, message: str, status: int = 400) -> "Response":
        """An error as AWS's JSON protocols send it: JSON-RPC reads `__type`, REST reads the header."""
        body = json.dumps({"__type": code, "message": message}).encode()
        return cls(status, body, {"content-type": JSON_CONTENT_TYPE, "x-amzn-errortype": code})
