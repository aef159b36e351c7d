"""Smithy's RPC v2 CBOR, which some SDKs prefer for CloudWatch, by botocore's own codec.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

import json
from typing import Any

from botocore.parsers import ResponseParserError, RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

from localcloud.aws.api_model import service_model
from localcloud.aws.protocols.fitting import fit
from localcloud.aws.protocols.protocol import Call, ProtocolError
from localcloud.aws.request import Response

_HEADERS = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
_EMPTY_MAP = b"\xa0"


class CborProtocol:
    """See WireProtocol."""

    def __init__(self) -> None:
        # Times stay the numbers that they are on the wire.
        self._parser: Any = RpcV2CBORParser(timestamp_parser=lambda seconds: seconds)
        self._serializer: Any = RpcV2CBORSerializer()

    def decode(self, service: str, operation: str, body: bytes) -> Call:
        """See WireProtocol."""
        del service
        stream = self._parser.get_peekable_stream_from_bytes(body or _EMPTY_MAP)
        try:
            document = self._parser.parse_data_item(stream)
        except (ResponseParserError, ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ProtocolError("The body is not a CBOR map.")
        return Call(operation, document)

    def encode(self, service: str, operation: str, response: Response) -> Response:
        """See WireProtocol."""
        document = json.loads(response.body or b"{}")
        headers = {**response.headers, **_HEADERS}
        if response.status >= 400:
            return Response(response.status, self._write_error(document), headers)
        shape = service_model(service).operation_model(operation).output_shape
        if shape is None:
            return Response(response.status, _EMPTY_MAP, headers)
        written = bytearray()
        self._serializer._serialize_data_item(written, fit(shape, document), shape)
        return Response(response.status, bytes(written), headers)

    def _write_error(self, document: dict[str, str]) -> bytes:
        written = bytearray(b"\xa2")  # a map of two
        for text in ("__type", document.get("__type", ""), "message", document.get("message", "")):
            self._serializer._serialize_type_string(written, text, None, None)
        return bytes(written)
