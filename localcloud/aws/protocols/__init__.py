"""How calls and answers are written on the wire; services read and write plain documents."""

from collections.abc import Mapping

from localcloud.aws.protocols.cbor import CborProtocol
from localcloud.aws.protocols.json_rpc import JsonProtocol
from localcloud.aws.protocols.protocol import Call, ProtocolError, WireProtocol
from localcloud.aws.protocols.query import QueryProtocol

__all__ = ["PROTOCOLS", "Call", "ProtocolError", "WireProtocol"]

PROTOCOLS: Mapping[str, WireProtocol] = {"json": JsonProtocol(), "cbor": CborProtocol(), "query": QueryProtocol()}
