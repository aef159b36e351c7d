"""Traffic against a small HTTP server that plays the endpoint."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from comal.cli.demo.traffic import Traffic
from comal.cli.target import Target
from comal.clients import Connection
from comal.names import Names


class Endpoint(BaseHTTPRequestHandler):
    """Answers 200 with a version, or the status that the server was given."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.release()
        body = json.dumps({"predictions": [], "model_version": "1"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as running:
        running.status = 200
        running.asked = threading.Semaphore(0)
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def traffic(server):
    connection = Connection("us-east-1", f"http://127.0.0.1:{server.server_port}", access_key="t", secret_key="t")
    target = Target(None, "local", connection)
    target.__dict__["names"] = Names("local", "000000000000", "us-east-1")  # a cached property, filled in
    return Traffic(target, "tacos", [{"basket_size": 1}])


def test_answers_are_counted_by_version(server, traffic):
    with traffic:
        for _ in range(3):
            assert server.asked.acquire(timeout=10)
    assert traffic.failures == []
    assert traffic.answers["1"] == traffic.requests >= 3


def test_a_failed_request_is_counted_and_never_retried(server, traffic):
    server.status = 503
    with traffic:
        for _ in range(3):
            assert server.asked.acquire(timeout=10)
    asked = 3
    while server.asked.acquire(blocking=False):
        asked += 1
    assert len(traffic.failures) == asked
    assert traffic.answers.total() == 0
