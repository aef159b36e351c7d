"""One training job from its download to its upload, in a thread; every step can be resumed by a later emulator."""

import logging
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.aws.sagemaker.archive import write_archive
from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.channels import download_channel, relative_to_prefix
from localcloud.aws.sagemaker.containers.images import Image, Images
from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import LOG, ExitRecord, Launch
from localcloud.aws.sagemaker.containers.sandbox import CONTAINER_BASE
from localcloud.aws.sagemaker.containers.warm_images import WarmImages
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.failure_reasons import training_failure
from localcloud.aws.sagemaker.families import TRAINING_JOB
from localcloud.aws.sagemaker.job_directory import base_environment, prepare_job_directory, training_environment
from localcloud.aws.sagemaker.job_metrics import final_metrics
from localcloud.aws.sagemaker.log_shipping import LogShipper, read_tail
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri, local_path
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document
from localcloud.aws.sagemaker.training_states import MAX_REASON_CHARACTERS, enter_state

logger = logging.getLogger("localcloud.sagemaker.training")

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
STOP_GRACE_S = 120.0
_WAIT_S = 5.0
_READY_TIMEOUT_S = 60.0
_METRIC_LOG_BYTES = 64 * 1024 * 1024
_REASON_LOG_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every run needs of the rest of the room."""

    catalogue: Catalogue
    clients: AwsClients
    images: Images
    warm_images: WarmImages
    logs: LogShipper


class _StopRequestedError(Exception):
    """StopTrainingJob came before the container started."""


class TrainingRun:
    """Runs one job."""

    def __init__(self, workshop: Workshop, scope: Scope, job: Document, directory: Path) -> None:
        self._workshop = workshop
        self._scope = scope
        self._job = job
        self._name: str = job["TrainingJobName"]
        self._directory = directory
        self._ml = directory / "ml"
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        self._process: SupervisedProcess | None = None
        if job["TrainingJobStatus"] == "Stopping":
            self._stop.set()
        self._thread = threading.Thread(target=self._run, name=f"training-{self._name}", daemon=True)

    def start(self) -> None:
        """Begins, or goes on where an earlier emulator was killed."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the job as StopTrainingJob does."""
        self._stop.set()
        if self._process is not None:
            self._process.request_stop()

    @property
    def is_running(self) -> bool:
        """Whether there is something left to do."""
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Lets go of the job because the emulator ends.

        A container that runs is killed, and its job has failed; a download or an upload is done again by the next
        emulator.
        """
        self._abandoned.set()
        if self._process is not None and self._process.is_running:
            self._process.kill()
            self._enter(
                "Failed",
                "Failed",
                FailureReason="InternalServerError: The local cloud was stopped while the training job ran.",
            )
        self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            self._execute()
        except _StopRequestedError:
            self._enter("Stopped", "Stopped")
        except ContainerFailure as failure:
            self._fail(str(failure))
        except Exception as error:  # the job's owner must hear of it, whatever it was
            logger.exception("Training job %s failed inside the emulator", self._name)
            self._fail(f"InternalServerError: {type(error).__name__}: {error}")

    def _execute(self) -> None:
        self._workshop.clients.wait_until_ready(_READY_TIMEOUT_S)
        record = self._run_container()
        while record is not None and self._is_interruption(record):
            self._upload_checkpoints(self._s3())
            self._enter("InProgress", "Interrupted")
            if time.time() - self._job["CreationTime"] > self._job["StoppingCondition"]["MaxWaitTimeInSeconds"]:
                self._enter("Stopped", "MaxWaitTimeExceeded")
                return
            self._enter("InProgress", "Starting")
            record = self._run_container()
        if record is None:
            return
        self._settle(record)
        shutil.rmtree(self._ml, ignore_errors=True)
        shutil.rmtree(self._directory / "tmp", ignore_errors=True)

    def _is_interruption(self, record: ExitRecord) -> bool:
        """A spot job whose container is killed from outside has lost its capacity; it waits for more, and begins again.

        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
        """
        is_spot: bool = self._job["EnableManagedSpotTraining"]
        return is_spot and record.reason == "exited" and record.returncode == -signal.SIGKILL

    def _run_container(self) -> ExitRecord | None:
        """Starts the container, or finds it as an earlier emulator has left it; how it ended."""
        log = self._directory / LOG
        stream = f"{self._name}/algo-1-{int(self._job['CreationTime'])}"
        started = self._job["SecondaryStatus"] not in ("Starting", "Downloading")
        self._process = SupervisedProcess.find(self._directory) if started else None
        if self._process is None:
            image, launch = self._prepare()
            self._workshop.logs.follow(log, self._scope.region, LOG_GROUP, stream)
            self._enter("InProgress", "Training")
            self._process = self._workshop.warm_images.launch(image, self._directory, launch)
        else:
            self._workshop.logs.follow(log, self._scope.region, LOG_GROUP, stream)
        if self._stop.is_set():
            self._process.request_stop()
        record = self._await_exit(self._process)
        if record is not None:
            self._workshop.logs.finish(log)
        return record

    def _await_exit(self, process: SupervisedProcess) -> ExitRecord | None:
        while not self._abandoned.is_set():
            record = process.wait(_WAIT_S)
            if record is not None and not self._abandoned.is_set():
                return record
        return None

    def _prepare(self) -> tuple[Image, Launch]:
        job, scope, clients = self._job, self._scope, self._workshop.clients
        self._check_stop()
        self._enter("InProgress", "Downloading")
        algorithm = job["AlgorithmSpecification"]
        image = self._workshop.images.find(algorithm["TrainingImage"])
        prepare_job_directory(self._ml, job)
        (self._directory / LOG).unlink(missing_ok=True)
        credentials = clients.assume(job["RoleArn"], f"SageMaker-{self._name}"[:64])
        s3 = self._s3()
        for channel in job.get("InputDataConfig", []):
            download_channel(s3, channel, self._ml / "input/data" / channel["ChannelName"], self._check_stop)
        self._download_checkpoints(s3)
        entry_point = algorithm.get("ContainerEntrypoint") or list(image.command)
        arguments = algorithm.get("ContainerArguments")
        if arguments is None:
            arguments = [] if algorithm.get("ContainerEntrypoint") else ["train"]
        env = base_environment(image, clients.edge_url, scope.region, credentials, self._directory / "tmp")
        self._check_stop()
        return image, Launch(
            command=[*entry_point, *arguments],
            cwd=image.cwd,
            env=env | training_environment(job),
            ml_dir=str(self._ml),
            grace_s=STOP_GRACE_S,
            max_runtime_s=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
        )

    def _settle(self, record: ExitRecord) -> None:
        failure_path = self._ml / "output/failure"
        failure = failure_path.read_text(errors="replace") if failure_path.is_file() else ""
        log = self._directory / LOG
        ended_well = record.returncode == 0 or record.reason in ("stopped", "max_runtime")
        s3 = self._s3()
        if ended_well:
            self._enter("Stopping" if record.reason == "stopped" else "InProgress", "Uploading")
        self._upload_checkpoints(s3)
        self._upload_archive(s3, "output.tar.gz", [*(self._ml / "output/data").iterdir(), *_present(failure_path)])
        definitions = self._job["AlgorithmSpecification"].get("MetricDefinitions", [])
        metrics = final_metrics(definitions, read_tail(log, _METRIC_LOG_BYTES), record.ended_at) if definitions else []
        fields: Document = {"FinalMetricDataList": metrics} if metrics else {}
        if not ended_well:
            reason = training_failure(record, failure, read_tail(log, _REASON_LOG_BYTES))
            self._enter("Failed", "Failed", FailureReason=reason[:MAX_REASON_CHARACTERS], **fields)
            return
        uri = self._upload_archive(s3, "model.tar.gz", list((self._ml / "model").iterdir()), always=True)
        status, secondary = {
            "exited": ("Completed", "Completed"),
            "stopped": ("Stopped", "Stopped"),
            "max_runtime": ("Stopped", "MaxRuntimeExceeded"),
        }[record.reason]
        self._enter(status, secondary, ModelArtifacts={"S3ModelArtifacts": str(uri)}, **fields)

    def _upload_archive(self, s3: RoleS3, name: str, paths: list[Path], *, always: bool = False) -> S3Uri:
        output_path: str = self._job["OutputDataConfig"]["S3OutputPath"]
        uri = S3Uri.parse(f"{output_path.rstrip('/')}/{self._name}/output/{name}")
        if paths or always:
            archive = self._directory / name
            write_archive(paths, archive)
            s3.upload(archive, uri)
            archive.unlink()
        return uri

    def _download_checkpoints(self, s3: RoleS3) -> None:
        for uri, directory in self._checkpoints():
            for key in s3.list_keys(uri):
                s3.download(S3Uri(uri.bucket, key), local_path(directory, relative_to_prefix(key, uri.key)))

    def _upload_checkpoints(self, s3: RoleS3) -> None:
        for uri, directory in self._checkpoints():
            for path in sorted(directory.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    key = f"{uri.key.rstrip('/')}/{path.relative_to(directory)}"
                    s3.upload(path, S3Uri(uri.bucket, key))

    def _checkpoints(self) -> list[tuple[S3Uri, Path]]:
        config: dict[str, Any] = self._job.get("CheckpointConfig", {})
        if not config:
            return []
        path: str = config.get("LocalPath", f"{CONTAINER_BASE}/checkpoints")
        if not path.startswith(CONTAINER_BASE):
            raise ContainerFailure(f"ClientError: CheckpointConfig.LocalPath {path} is not below {CONTAINER_BASE}.")
        directory = local_path(self._ml, path.removeprefix(CONTAINER_BASE).lstrip("/"))
        directory.mkdir(parents=True, exist_ok=True)
        return [(S3Uri.parse(config["S3Uri"]), directory)]

    def _s3(self) -> RoleS3:
        role, region, clients = self._job["RoleArn"], self._scope.region, self._workshop.clients
        credentials = clients.assume(role, f"SageMaker-{self._name}"[:64])
        return RoleS3(clients.as_role("s3", region, credentials), role, region)

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise _StopRequestedError

    def _fail(self, reason: str) -> None:
        if not self._abandoned.is_set():
            self._workshop.logs.finish(self._directory / LOG)
            self._enter("Failed", "Failed", FailureReason=reason[:MAX_REASON_CHARACTERS])

    def _enter(self, status: str, secondary: str, **fields: Any) -> None:
        def edit(job: Document) -> None:
            # A stop that has come meanwhile is not overwritten by a step that was already on its way.
            stopping = job["TrainingJobStatus"] == "Stopping" and status == "InProgress"
            enter_state(job, "Stopping" if stopping else status, secondary, time.time())
            job.update(fields)

        self._job = self._workshop.catalogue.change(TRAINING_JOB, self._scope, self._name, edit).document


def _present(path: Path) -> list[Path]:
    return [path] if path.is_file() else []
