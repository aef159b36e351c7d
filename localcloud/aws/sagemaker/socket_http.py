"""HTTP/1.1 over a container's Unix socket: a keep-alive pool that adds as little as possible to a call."""

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httptools

Headers = Sequence[tuple[bytes, bytes]]


class ContainerGoneError(ConnectionError):
    """The container did not answer.

    Attributes:
        delivered: Whether it may have seen the request.
    """

    def __init__(self, message: str, *, delivered: bool) -> None:
        super().__init__(message)
        self.delivered = delivered


@dataclass(slots=True)
class ContainerResponse:
    """What a container answered; header names in lower case. `latency_s` is how long it took."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    latency_s: float = 0.0


class ConnectionPool:
    """Idle connections to one container; belongs to the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._idle: list[_Connection] = []

    async def post(self, path: bytes, headers: Headers, body: bytes, *, fresh: bool = False) -> ContainerResponse:
        """Sends a request and reads its whole answer.

        Args:
            path: Path of the request.
            headers: Besides host and content-length.
            body: Its content.
            fresh: Whether to open a connection of its own instead of using an idle one.

        Raises:
            ContainerGoneError: The container ended, or does not listen.
        """
        lines = [b"POST " + path + b" HTTP/1.1\r\nhost: localhost\r\ncontent-length: " + str(len(body)).encode()]
        lines += [name + b": " + value for name, value in headers]
        message = b"\r\n".join(lines) + b"\r\n\r\n" + body
        connection = None if fresh else self._take_idle()
        if connection is None:
            connection = await self._connect()
        started = time.perf_counter()
        try:
            response = await connection.request(message)
        except asyncio.CancelledError:
            connection.close()
            raise
        response.latency_s = time.perf_counter() - started
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Closes the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _take_idle(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection
        return None

    async def _connect(self) -> "_Connection":
        try:
            _, connection = await asyncio.get_running_loop().create_unix_connection(_Connection, self._path)
        except OSError as error:
            raise ContainerGoneError(f"{self._path}: {error}", delivered=False) from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection; httptools calls its `on_` methods."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._waiter: asyncio.Future[ContainerResponse] | None = None
        self._response = ContainerResponse()
        self._chunks: list[bytes] = []
        self._parser: Any = None
        self.is_reusable = True

    async def request(self, message: bytes) -> ContainerResponse:
        if self._transport.is_closing():
            raise ContainerGoneError("closed before the request", delivered=False)
        self._response, self._chunks = ContainerResponse(), []
        self._parser = httptools.HttpResponseParser(self)
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._waiter

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ContainerGoneError(f"The container sent no HTTP: {error}", delivered=True))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_reusable = False
        self._fail(ContainerGoneError(str(exc or "closed before its answer was complete"), delivered=True))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._response.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._response.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        self.is_reusable = self._parser.should_keep_alive()
        self._response.body = b"".join(self._chunks)
        waiter, self._waiter, self._parser = self._waiter, None, None
        if waiter is not None and not waiter.done():
            waiter.set_result(self._response)

    def _fail(self, error: ContainerGoneError) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)


def ping(path: Path, timeout_s: float) -> bool:
    """Whether GET /ping answers 200 in time; blocks."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            status_line = connection.recv(64)
        except OSError:
            return False
    return status_line.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
