"""What the tests of transform jobs run as containers: each line of a request is answered with a line."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

# It runs as a script, beside which its neighbours lie.
from toy_container import Handler, Server

TOGETHER = threading.Barrier(int(os.environ.get("TOY_TOGETHER", "1")))
WAIT_S = 10.0


class Transformer(Handler):
    def do_GET(self) -> None:
        suggested = os.environ.get("TOY_PARAMETERS")
        if self.path == "/ping":
            self.answer(200, b"")
        elif suggested is None:
            self.answer(404, b"no such path")
        else:
            self.answer(200, suggested.encode(), "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            # Answers only while so many requests are under way at once.
            TOGETHER.wait(WAIT_S)
        except threading.BrokenBarrierError:
            self.answer(500, b"nobody else is here")
            return
        if "TOY_LOG" in os.environ:
            with Path(os.environ["TOY_LOG"]).open("a") as log:
                log.write(f"{len(body.splitlines())}\n")
        try:
            answers = [self.line(line) for line in body.splitlines()]
        except ValueError as error:
            self.answer(422, str(error).encode())
            return
        self.answer(200, b"\n".join(answers))

    def line(self, line: bytes) -> bytes:
        time.sleep(float(os.environ.get("TOY_LINE_S", "0")))
        if line == b"bad":
            raise ValueError("no such column")
        if line == b"die":
            os.kill(os.getpid(), signal.SIGKILL)
        if line == b"who":
            return b"%d" % os.getpid()
        if line == b"told":
            told = {
                name: value
                for name, value in os.environ.items()
                if name.startswith(("SAGEMAKER_BATCH", "SAGEMAKER_MAX"))
            }
            types = {name: self.headers.get(name) for name in ("content-type", "accept")}
            return json.dumps(told | types).encode()
        return b"p" + line


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if sys.argv[1] == "serve":
        print("the transformer starts", flush=True)
        Server(os.environ["SAGEMAKER_BIND_TO_UNIX_SOCKET"], Transformer).serve_forever()
