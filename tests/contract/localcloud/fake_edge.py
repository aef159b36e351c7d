"""Runs the real edge with one tiny service of ours, as `__main__` does with the real ones."""

import os
import sys
from pathlib import Path

from localcloud.aws.environment import apply_environment, edge_environment
from localcloud.aws.request import Request, Response
from localcloud.aws.server import bind, serve


class EchoService:
    """Answers every call with what the edge told it."""

    def __init__(self, name: str, journal: Path) -> None:
        self.name = name
        self._journal = journal

    def resource_arn(self, request: Request) -> str:
        kind, name = (
            ("endpoint", request.path_parameters["name"])
            if request.path_parameters
            else ("training-job", str(request.document.get("TrainingJobName", "*")))
        )
        return f"arn:aws:sagemaker:{request.region}:{request.account}:{kind}/{name}"

    async def handle(self, request: Request) -> Response:
        if isinstance(request.body, bytes):
            return Response(200, b"echo:" + request.body, {"content-type": request.headers["content-type"]})
        if request.operation == "DescribeTrainingJob":
            return Response.error("ValidationException", "Requested resource not found.")
        if request.operation == "StopTrainingJob":
            raise RuntimeError("a fault of the service")
        return Response.json({"TrainingJobArn": self.resource_arn(request)})

    async def start(self) -> None:
        self._write("started")

    async def stop(self) -> None:
        self._write("stopped")

    def _write(self, word: str) -> None:
        with self._journal.open("a") as journal:
            journal.write(f"{self.name} {word}\n")


if __name__ == "__main__":
    state_dir, port = Path(sys.argv[1]), int(sys.argv[2])
    (state_dir / "tmp").mkdir(parents=True, exist_ok=True)
    apply_environment(edge_environment(os.environ, state_dir, port))
    journal = state_dir / "journal"
    services = [EchoService("sagemaker", journal), EchoService("sagemaker-runtime", journal)]
    serve(bind(port), state_dir, lambda _url: services)
