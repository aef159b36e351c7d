"""Transform jobs: CreateTransformJob, StopTransformJob, and what is left of them after a restart."""

import threading
import time
from pathlib import Path

from localcloud.aws.sagemaker.catalogue import Operation
from localcloud.aws.sagemaker.data_processing import DataProcessing
from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.families import MODEL, TRANSFORM_JOB
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Resource
from localcloud.aws.sagemaker.transform_parameters import check_parameters
from localcloud.aws.sagemaker.transform_records import check_input
from localcloud.aws.sagemaker.transform_run import ACTIVE, TransformRun, TransformShop


class TransformJobs:
    """All transform jobs of this machine."""

    def __init__(self, shop: TransformShop, directory: Path) -> None:
        self._shop = shop
        self._directory = directory
        self._runs: dict[tuple[Scope, str], TransformRun] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {"CreateTransformJob": self.create, "StopTransformJob": self.stop}

    def resume(self) -> None:
        """Takes up the jobs that a killed emulator left."""
        for resource in self._shop.catalogue.all_with_status(TRANSFORM_JOB, ACTIVE):
            self._start(resource)

    def abandon(self) -> None:
        """Lets go of all running jobs because the emulator ends."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.abandon()

    def is_idle(self) -> bool:
        """Whether no job runs."""
        with self._lock:
            return not any(run.is_running for run in self._runs.values())

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateTransformJob.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
        """
        check_parameters(request)
        check_input(request)
        DataProcessing(request)
        self._shop.catalogue.find(MODEL, scope, request["ModelName"])
        now = time.time()
        document = {
            **request,
            "TransformJobStatus": "InProgress",
            "CreationTime": now,
            "TransformStartTime": now,
        }
        name = request["TransformJobName"]
        resource = self._shop.catalogue.add(TRANSFORM_JOB, scope, name, document, request.get("Tags", []))
        self._start(resource)
        return {"TransformJobArn": resource.document["TransformJobArn"]}

    def stop(self, scope: Scope, request: Document) -> Document:
        """StopTransformJob."""
        name = request["TransformJobName"]

        def edit(job: Document) -> None:
            if job["TransformJobStatus"] != "InProgress":
                raise ValidationError(
                    f"The request was rejected because the transform job is in status {job['TransformJobStatus']}."
                )
            job["TransformJobStatus"] = "Stopping"

        self._shop.catalogue.change(TRANSFORM_JOB, scope, name, edit)
        with self._lock:
            run = self._runs.get((scope, name.lower()))
        if run is not None:
            run.stop()
        return {}

    def _start(self, resource: Resource) -> None:
        directory = self._directory / f"{resource.scope.account}-{resource.scope.region}-{resource.name.lower()}"
        run = TransformRun(self._shop, resource.scope, resource.document, directory)
        with self._lock:
            self._runs = {key: earlier for key, earlier in self._runs.items() if earlier.is_running}
            self._runs[(resource.scope, resource.name.lower())] = run
            run.start()
