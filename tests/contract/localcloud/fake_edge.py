"""Runs the real edge with one tiny service of ours, as `__main__` does with the real ones."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from localcloud.aws.environment import apply_environment, edge_environment
from localcloud.aws.events import put_aws_event
from localcloud.aws.request import Request, Response
from localcloud.aws.server import bind, serve


class EchoService:
    """Says what the edge told it; its training jobs end as their names say, and never by themselves if `hangs`."""

    def __init__(self, name: str, journal: Path) -> None:
        self.name = name
        self._journal = journal
        self._jobs: dict[str, dict[str, Any]] = {}

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
        if request.operation == "ListModels":
            raise RuntimeError("a fault of the service")
        name = request.document["TrainingJobName"]
        self._write(f"{request.operation} {name} {request.access_key[:4]}")
        if request.operation == "CreateTrainingJob":
            return self._create(name, self.resource_arn(request))
        if name not in self._jobs:
            return Response.error("ValidationException", "Requested resource not found.")
        if request.operation == "StopTrainingJob":
            self._jobs[name]["TrainingJobStatus"] = "Stopped"
            arn = self.resource_arn(request)
            detail = {"TrainingJobName": name, "TrainingJobStatus": "Stopped"}
            kind = "SageMaker Training Job State Change"
            put_aws_event("aws.sagemaker", kind, detail, [arn], request.account, request.region)
            return Response.json({})
        return Response.json(self._jobs[name])

    def _create(self, name: str, arn: str) -> Response:
        if name in self._jobs:
            return Response.error("ResourceInUse", "Job name must be unique")
        endings = {"hangs": "InProgress", "fails": "Failed"}
        self._jobs[name] = {
            "TrainingJobName": name,
            "TrainingJobStatus": endings.get(name.split("-")[0], "Completed"),
            "CreationTime": time.time(),
        }
        return Response.json({"TrainingJobArn": arn})

    async def start(self) -> None:
        self._write("started")

    async def stop(self) -> None:
        self._write("stopped")

    def _write(self, line: str) -> None:
        with self._journal.open("a") as journal:
            journal.write(f"{self.name} {line}\n")


if __name__ == "__main__":
    state_dir, port = Path(sys.argv[1]), int(sys.argv[2])
    (state_dir / "tmp").mkdir(parents=True, exist_ok=True)
    apply_environment(edge_environment(os.environ, state_dir, port))
    journal = state_dir / "journal"
    services = [EchoService("sagemaker", journal), EchoService("sagemaker-runtime", journal)]
    serve(bind(port), state_dir, lambda _url, _clock: services)
