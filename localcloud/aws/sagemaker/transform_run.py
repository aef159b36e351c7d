"""One transform job, in a thread: a serving process of its own is asked about file after file.

A job that an emulator left begins again from its first file: an output replaces the one that is there, so every input
has one output whatever was killed.
"""

import http.client
import logging
import shutil
import socket
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.channels import input_objects
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.families import TRANSFORM_JOB
from localcloud.aws.sagemaker.fleet import Fleet, Garage
from localcloud.aws.sagemaker.instance import STOP_GRACE_S, Instance
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import VariantPlan, plan_variant
from localcloud.aws.sagemaker.store import Document
from localcloud.aws.sagemaker.transform_records import assembled, max_payload_bytes, payloads

logger = logging.getLogger("localcloud.sagemaker.transform")

LOG_GROUP = "/aws/sagemaker/TransformJobs"
ACTIVE = ("InProgress", "Stopping")
_VARIANT = "algo-1"
_READY_TIMEOUT_S = 60.0
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelClientConfig.html
_DEFAULT_TIMEOUT_S = 600
_DEFAULT_RETRIES = 3
_RESTART_TIMEOUT_S = 60.0
_MAX_REASON_CHARACTERS = 1024
_PARQUET_LIMIT = "SAGEMAKER_MAX_PAYLOAD_IN_MB"


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
        plan = self._plan()
        s3 = self._s3(plan.role_arn)
        source = self._job["TransformInput"]["DataSource"]["S3DataSource"]
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        objects = input_objects(s3, source, self._directory / "manifest")
        fleet = Fleet(
            self._shop.garage, self._scope, self._name, [plan], self._directory / "fleet", log_group=LOG_GROUP
        )
        fleet.start()
        try:
            for uri, relative in objects.items():
                self._transform_object(s3, fleet.instances[0], uri, relative)
        finally:
            fleet.stop(STOP_GRACE_S)

    def _transform_object(self, s3: RoleS3, instance: Instance, uri: S3Uri, relative: str) -> None:
        path, answer = self._directory / "input", self._directory / "output"
        s3.download(uri, path)
        answers = []
        for payload in payloads(path, self._job):
            self._check_stop()
            answers.append(self._ask(instance, payload))
        answer.write_bytes(assembled(answers, self._job))
        target = S3Uri.parse(self._job["TransformOutput"]["S3OutputPath"].rstrip("/") + f"/{relative}.out")
        s3.upload(answer, target)

    def _ask(self, instance: Instance, payload: bytes) -> bytes:
        """The container's answer; a container that dies is asked again when it is back.

        Raises:
            ContainerFailure: It refuses, or dies each time.
        """
        config = self._job.get("ModelClientConfig", {})
        retries = config.get("InvocationsMaxRetries", _DEFAULT_RETRIES)
        timeout_s = config.get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT_S)
        headers = {"Content-Type": self._job["TransformInput"].get("ContentType", "application/octet-stream")}
        if "Accept" in self._job["TransformOutput"]:
            headers["Accept"] = self._job["TransformOutput"]["Accept"]
        for attempt in range(retries + 1):
            self._check_stop()
            try:
                status, body = _post(instance.socket_path, headers, payload, timeout_s)
            except (OSError, http.client.HTTPException) as error:
                logger.warning("Transform job %s: %s; asking again", self._name, error)
                self._await_restart(instance)
                continue
            if status < 300:
                return body
            if status < 500 or attempt == retries:
                said = body.decode(errors="replace")[:_MAX_REASON_CHARACTERS]
                raise ContainerFailure(f"ClientError: See job logs for more information. Status {status}: {said}")
        raise ContainerFailure("AlgorithmError: The container ended during each of its requests.")

    def _await_restart(self, instance: Instance) -> None:
        deadline = time.monotonic() + _RESTART_TIMEOUT_S
        # The watcher notices the end a moment after the connection broke.
        time.sleep(0.2)
        while not instance.ready and time.monotonic() < deadline:
            self._check_stop()
            time.sleep(0.05)

    def _plan(self) -> VariantPlan:
        resources = self._job["TransformResources"]
        variant = {
            "VariantName": _VARIANT,
            "ModelName": self._job["ModelName"],
            "InstanceType": resources["InstanceType"],
        }
        plan = plan_variant(self._shop.catalogue, self._scope, variant)
        batch = {
            "SAGEMAKER_BATCH": "true",
            _PARQUET_LIMIT: str(max_payload_bytes(self._job) // (1024 * 1024)),
            "SAGEMAKER_BATCH_STRATEGY": self._job.get("BatchStrategy", "MultiRecord"),
        }
        return replace(plan, environment={**plan.environment, **batch, **self._job.get("Environment", {})})

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


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _post(path: Path, headers: dict[str, Any], body: bytes, timeout_s: float) -> tuple[int, bytes]:
    connection = _UnixConnection(path, timeout_s)
    try:
        connection.request("POST", "/invocations", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
