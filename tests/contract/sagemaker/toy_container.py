"""What the tests run as containers: standard library only, told by hyperparameters or environment what to do."""

import json
import os
import signal
import socket
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def train() -> None:
    hyperparameters = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    deed = hyperparameters.get("deed", "succeed")
    print(f"deed {deed} metric rmse=9.5", flush=True)
    if deed == "fail":
        (BASE / "output/failure").write_text("the column minutes has no number")
        sys.exit(1)
    if deed == "crash":
        raise RuntimeError("unplanned")
    if deed in ("sleep", "ignore_sigterm"):
        if deed == "ignore_sigterm":
            signal.signal(signal.SIGTERM, lambda *_: print("not yet", flush=True))
        (BASE / "model/partial.txt").write_text("half")
        while True:
            time.sleep(0.05)
    if deed == "lose_capacity_once" and not (BASE / "checkpoints/step-1").exists():
        (BASE / "checkpoints/step-1").write_text("one")
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "lose_capacity_always":
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    if deed in ("meet", "meet_and_die"):
        meet(hyperparameters)
    inputs = {
        str(path.relative_to(BASE / "input/data")): path.read_text()
        for path in (BASE / "input/data").rglob("*")
        if path.is_file()
    }
    report = {
        "inputs": inputs,
        "hyperparameters": hyperparameters,
        "config": {
            name: json.loads((BASE / f"input/config/{name}.json").read_text())
            for name in ("inputdataconfig", "resourceconfig")
        },
        "environment": dict(os.environ),
        "warm": "wave" in sys.modules,
        "arguments": sys.argv[1:],
        "checkpoints": sorted(path.name for path in (BASE / "checkpoints").iterdir()),
    }
    (BASE / "model/model.json").write_text(json.dumps({"answer": 42}))
    (BASE / "output/data/report.json").write_text(json.dumps(report))
    (BASE / "checkpoints/step-2").write_text("two")
    print(f"metric rmse={hyperparameters.get('rmse', 1.25)}", flush=True)
    print("é finished", file=sys.stderr, flush=True)


def meet(hyperparameters: dict[str, str]) -> None:
    """The hosts find the first by its name and wait for its answer; of those that die it hears."""
    config = json.loads((BASE / "input/config/resourceconfig.json").read_text())
    me, (first, *others) = config["current_host"], config["hosts"]
    address = (socket.gethostbyname(first), int(hyperparameters["port"]))
    print(f"{me} of {len(others) + 1}", flush=True)
    if me != first:
        while True:
            try:
                connection = socket.create_connection(address)
                break
            except OSError:
                time.sleep(0.05)
        if hyperparameters["deed"] == "meet_and_die" and me == others[-1]:
            os.kill(os.getpid(), signal.SIGKILL)
        connection.sendall(me.encode())
        connection.recv(1)
        (BASE / f"model/{me}.txt").write_text(me)
        sys.exit(0)
    with socket.create_server(address) as server:
        met = [server.accept()[0] for _ in others]
        if not all(connection.recv(100) for connection in met):
            (BASE / "output/failure").write_text("a host has gone")
            sys.exit(1)
        for connection in met:
            connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(500 if os.environ.get("TOY_PING") == "fail" else 200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if body == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        if body.startswith(b"sleep "):
            time.sleep(float(body.split()[1]))
        if body == b"bad":
            self.answer(422, b'{"error": "no such column", "row": 3}', "application/json")
            return
        if body == b"broken":
            self.answer(500, b"boom")
            return
        answer = {
            "version": os.environ.get("TOY_VERSION"),
            "pid": os.getpid(),
            "warm": "wave" in sys.modules,
            "model": sorted(path.name for path in (BASE / "model").iterdir()),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "size": len(body),
        }
        self.answer(200, json.dumps(answer).encode(), "application/json")

    def answer(self, status: int, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-amzn-sagemaker-custom-attributes", "from-container")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        return


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def serve() -> None:
    print(f"toy {os.environ.get('TOY_VERSION')} starts", flush=True)
    if os.environ.get("TOY_START") == "fail":
        sys.exit("the model file is missing")
    needed = Path(os.environ.get("TOY_NEEDS", "/"))
    while "TOY_WAITS" in os.environ and not needed.exists():
        time.sleep(0.02)
    if not needed.exists():
        sys.exit(f"{needed} is missing")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Server(os.environ["SAGEMAKER_BIND_TO_UNIX_SOCKET"], Handler).serve_forever()


if __name__ == "__main__":
    {"train": train, "serve": serve}[sys.argv[1]]()
