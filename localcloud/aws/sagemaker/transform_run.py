"""One transform job, in a thread: serving processes of its own are asked about file after file.

A job that an emulator left begins again from its first file: an output replaces the one that is there, so every input
has one output whatever was killed.
"""

import logging
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.channels import input_objects
from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import PROCESS
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.families import TRANSFORM_JOB
from localcloud.aws.sagemaker.fleet import Fleet, Garage
from localcloud.aws.sagemaker.instance import STOP_GRACE_S, Instance
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import VariantPlan, plan_variant
from localcloud.aws.sagemaker.store import Document
from localcloud.aws.sagemaker.transform_client import TransformClient
from localcloud.aws.sagemaker.transform_files import TransformFile, TransformFiles
from localcloud.aws.sagemaker.transform_parameters import container_environment, settle
from localcloud.aws.sagemaker.transform_records import Records

logger = logging.getLogger("localcloud.sagemaker.transform")

LOG_GROUP = "/aws/sagemaker/TransformJobs"
ACTIVE = ("InProgress", "Stopping")
_VARIANT = "algo-1"
_FLEET = "fleet"
_READY_TIMEOUT_S = 60.0
_MAX_REASON_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class TransformShop:
    """What every run needs of the rest of the room."""

    catalogue: Catalogue
    garage: Garage


class _StopRequestedError(Exception):
    """StopTransformJob came, or the emulator ends."""


class TransformRun:
    """Runs one job."""

    def __init__(self, shop: TransformShop, scope: Scope, job: Document, directory: Path) -> None:
        self._shop = shop
        self._scope = scope
        self._job = job
        self._name: str = job["TransformJobName"]
        self._directory = directory
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        if job["TransformJobStatus"] == "Stopping":
            self._stop.set()
        self._thread = threading.Thread(target=self._run, name=f"transform-{self._name}", daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether there is something left to do."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begins, or begins again."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the job as StopTransformJob does, after the request under way."""
        self._stop.set()

    def abandon(self) -> None:
        """Lets go of the job because the emulator ends; the next one begins it again."""
        self._abandoned.set()
        self._stop.set()
        self._thread.join(timeout=STOP_GRACE_S)

    def _run(self) -> None:
        try:
            self._shop.garage.clients.wait_until_ready(_READY_TIMEOUT_S)
            self._check_stop()
            self._transform()
            self._enter("Completed")
        except _StopRequestedError:
            self._enter("Stopped")
        except ContainerFailure as failure:
            self._enter("Failed", str(failure))
        except Exception as error:  # the job's owner must hear of it, whatever it was
            logger.exception("Transform job %s failed inside the emulator", self._name)
            self._enter("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _transform(self) -> None:
        """Transforms every file, and stores the outputs when all are there: a job that is stopped stores none.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTransformJob.html
        """
        plan = self._plan()
        s3 = self._s3(plan.role_arn)
        source = self._job["TransformInput"]["DataSource"]["S3DataSource"]
        self._clear()
        files = self._files(input_objects(s3, source, self._directory / "manifest"))
        fleet = Fleet(self._shop.garage, self._scope, self._name, [plan], self._directory / _FLEET, log_group=LOG_GROUP)
        fleet.start()
        try:
            failures = self._ask_about(files, s3, fleet.instances)
        finally:
            fleet.stop(STOP_GRACE_S)
        self._check_stop()
        for file in files:
            if file not in failures:
                s3.upload(file.output, file.target)
        # AWS goes on with the other files, whose outputs can be used, before it calls the job failed.
        for file in files:
            if file in failures:
                raise failures[file]

    def _clear(self) -> None:
        """Ends the containers that a killed emulator left, and begins with an empty directory."""
        for record in (self._directory / _FLEET).glob(f"*/{PROCESS}"):
            process = SupervisedProcess.find(record.parent)
            if process is not None:
                process.kill()
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)

    def _files(self, objects: dict[S3Uri, str]) -> list[TransformFile]:
        folder = self._job["TransformOutput"]["S3OutputPath"].rstrip("/")
        return [
            TransformFile(uri, S3Uri.parse(f"{folder}/{relative}.out"), self._directory / str(number) / uri.name)
            for number, (uri, relative) in enumerate(objects.items())
        ]

    def _ask_about(
        self, files: list[TransformFile], s3: RoleS3, instances: Sequence[Instance]
    ) -> dict[TransformFile, ContainerFailure]:
        clients = [TransformClient(instance, self._job, self._check_stop) for instance in instances]
        parameters = settle(self._job, clients[0].suggestions())
        work = TransformFiles(s3, Records(self._job, parameters), self._check_stop)
        return work.run(files, clients, parameters.concurrent)

    def _plan(self) -> VariantPlan:
        resources = self._job["TransformResources"]
        variant = {
            "VariantName": _VARIANT,
            "ModelName": self._job["ModelName"],
            "InstanceType": resources["InstanceType"],
            "InitialInstanceCount": resources["InstanceCount"],
        }
        plan = plan_variant(self._shop.catalogue, self._scope, variant)
        return replace(plan, environment={**plan.environment, **container_environment(self._job)})

    def _s3(self, role_arn: str) -> RoleS3:
        clients = self._shop.garage.clients
        credentials = clients.assume(role_arn, f"SageMaker-{self._name}"[:64])
        return RoleS3(clients.as_role("s3", self._scope.region, credentials), role_arn, self._scope.region)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _StopRequestedError

    def _enter(self, status: str, reason: str = "") -> None:
        if self._abandoned.is_set():
            return  # it goes on with the next emulator

        def edit(job: Document) -> None:
            job["TransformJobStatus"] = status
            job["TransformEndTime"] = time.time()
            if reason:
                job["FailureReason"] = reason[:_MAX_REASON_CHARACTERS]

        self._shop.catalogue.change(TRANSFORM_JOB, self._scope, self._name, edit)
