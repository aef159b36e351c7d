"""AWS's JSON protocol: a document in, a document out.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import json

from localcloud.aws.protocols.protocol import Call, ProtocolError
from localcloud.aws.request import Response


class JsonProtocol:
    """See WireProtocol."""

    def decode(self, service: str, operation: str, body: bytes) -> Call:
        """See WireProtocol."""
        del service
        try:
            document = json.loads(body or b"{}")
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise ProtocolError("The body is not a JSON object.")
        return Call(operation, document)

    def encode(self, service: str, operation: str, response: Response) -> Response:
        """See WireProtocol."""
        del service, operation
        return response
