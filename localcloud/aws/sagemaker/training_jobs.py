"""Training jobs: CreateTrainingJob, StopTrainingJob, DeleteTrainingJob, and what is left of them after a restart."""

import shutil
import threading
import time
from pathlib import Path

from localcloud.aws.sagemaker.catalogue import Operation
from localcloud.aws.sagemaker.errors import ApiError, ValidationError
from localcloud.aws.sagemaker.families import TRAINING_JOB
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Resource
from localcloud.aws.sagemaker.training_run import TrainingRun, Workshop
from localcloud.aws.sagemaker.training_states import ACTIVE, enter_state


class TrainingJobs:
    """All training jobs of this machine."""

    def __init__(self, workshop: Workshop, directory: Path) -> None:
        self._workshop = workshop
        self._directory = directory
        self._runs: dict[tuple[Scope, str], TrainingRun] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {
            "CreateTrainingJob": self.create,
            "StopTrainingJob": self.stop,
            "DeleteTrainingJob": self.delete,
        }

    def resume(self) -> None:
        """Takes up the jobs that a killed emulator left."""
        for resource in self._workshop.catalogue.all_with_status(TRAINING_JOB, ACTIVE):
            self._start(resource)

    def abandon(self) -> None:
        """Ends all running jobs because the emulator ends."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.abandon()

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateTrainingJob.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
        """
        return {"TrainingJobArn": self.launch(scope, request).document["TrainingJobArn"]}

    def launch(self, scope: Scope, request: Document, parent: str = "", **fields: str) -> Resource:
        """Begins a training job.

        Args:
            scope: Whose it is.
            request: Of CreateTrainingJob.
            parent: Name of the tuning job that wants it, or empty.
            fields: What its description says beside the request.
        """
        _check_request(request)
        self._workshop.clients.check_role(request["RoleArn"], scope.region)
        document: Document = {
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "EnableManagedSpotTraining": False,
            **request,
            **fields,
        }
        enter_state(document, "InProgress", "Starting", time.time())
        resource = self._workshop.catalogue.add(
            TRAINING_JOB, scope, request["TrainingJobName"], document, request.get("Tags", []), parent
        )
        self._start(resource)
        return resource

    def stop(self, scope: Scope, request: Document) -> Document:
        """StopTrainingJob: SIGTERM, and SIGKILL after 120 s."""
        name = request["TrainingJobName"]

        def edit(job: Document) -> None:
            if job["TrainingJobStatus"] != "InProgress":
                raise ValidationError(
                    f"The request was rejected because the training job is in status {job['TrainingJobStatus']}."
                )
            enter_state(job, "Stopping", "Stopping", time.time())

        self._workshop.catalogue.change(TRAINING_JOB, scope, name, edit)
        with self._lock:
            run = self._runs.get((scope, name.lower()))
        if run is not None:
            run.stop()
        return {}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteTrainingJob: only of one that has ended."""
        name = request["TrainingJobName"]
        resource = self._workshop.catalogue.find(TRAINING_JOB, scope, name)
        if resource.status in ACTIVE:
            raise ApiError("ResourceInUse", f"The training job {name} is in status {resource.status}; stop it first.")
        self._workshop.catalogue.remove(TRAINING_JOB, resource)
        shutil.rmtree(self._job_directory(scope, name), ignore_errors=True)
        return {}

    def _start(self, resource: Resource) -> None:
        directory = self._job_directory(resource.scope, resource.name)
        run = TrainingRun(self._workshop, resource.scope, resource.document, directory)
        with self._lock:
            self._runs = {key: earlier for key, earlier in self._runs.items() if earlier.is_running}
            self._runs[(resource.scope, resource.name.lower())] = run
            run.start()

    def _job_directory(self, scope: Scope, name: str) -> Path:
        return self._directory / f"{scope.account}-{scope.region}-{name.lower()}"


def _check_request(request: Document) -> None:
    if not request["AlgorithmSpecification"].get("TrainingImage"):
        raise ValidationError("You must specify a training image: this machine has no AWS Marketplace algorithms.")
