"""The serving contract as a bare ASGI application: /ping and /invocations, and nothing between them and the model.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from training.serve.answer import Answers
from training.serve.decode import Decoder
from training.serve.expiry import Expiry
from training.serve.explanation import HEADER, asks
from training.serve.refusal import RefusalError
from training.serve.tables import PARQUET_TYPE, TableAnswers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON = b"application/json"
_METHODS = {"/ping": "GET", "/invocations": "POST"}


class ClientGoneError(Exception):
    """The caller closed the connection before its request was complete."""


class App:
    """Answers requests with a loaded model; it exists only once the model is loaded, so /ping is always 200.

    Args:
        decoder: Reads bodies.
        answers: Predicts.
        tables: Predicts for whole Parquet files.
        expiry: Until when the model predicts.
        max_bytes: Longest body that is read; a longer one is refused before it is buffered.
    """

    def __init__(
        self, decoder: Decoder, answers: Answers, tables: TableAnswers, expiry: Expiry, max_bytes: int
    ) -> None:
        self._decoder = decoder
        self._answers = answers
        self._tables = tables
        self._expiry = expiry
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            status, (body, content_type), headers = 200, await self._respond(scope, receive), []
        except RefusalError as refusal:
            status, body, headers = refusal.status, orjson.dumps(refusal.body()), _refusal_headers(scope, refusal)
            content_type = _JSON
        except ClientGoneError:
            return
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[bytes, bytes]:
        """The answer and its content type."""
        path, method = scope["path"], scope["method"]
        if path not in _METHODS:
            raise RefusalError(404, f"no such path '{path[:60]}'; there are {' and '.join(_METHODS)}")
        if method != _METHODS[path]:
            raise RefusalError(405, f"{path} takes {_METHODS[path]}, not {method}")
        if path == "/ping":
            return b"{}", _JSON
        self._expiry.check()
        body = await self._body(scope, receive)
        content_type = _header(scope, b"content-type").decode("latin-1")
        if content_type == PARQUET_TYPE:
            return self._tables.answer(body), PARQUET_TYPE.encode()
        explains = asks(_header(scope, HEADER))
        return self._answers.answer(self._decoder.decode(body, content_type), explains=explains), _JSON

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The body, if it is short enough.

        What follows a refusal is still read by uvicorn, and dropped: a connection that closed while its caller sends
        would break before the caller reads why.
        """
        declared = _header(scope, b"content-length")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise self._too_long(f"{int(declared)} bytes")
        chunks: list[bytes] = []
        length = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            length += len(chunk)
            if length > self._max_bytes:
                raise self._too_long(f"more than {self._max_bytes} bytes")
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    def _too_long(self, found: str) -> RefusalError:
        return RefusalError(413, f"the body is {found} long; at most {self._max_bytes} are read; send fewer rows")


def _header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def _refusal_headers(scope: Scope, refusal: RefusalError) -> Headers:
    if refusal.status == 405:
        return [(b"allow", _METHODS[scope["path"]].encode())]
    return []
