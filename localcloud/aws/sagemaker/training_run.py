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
from localcloud.aws.sagemaker.containers.records import ExitRecord, Launch
from localcloud.aws.sagemaker.containers.sandbox import CONTAINER_BASE
from localcloud.aws.sagemaker.containers.warm_images import WarmImages
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.failure_reasons import training_failure
from localcloud.aws.sagemaker.families import TRAINING_JOB
from localcloud.aws.sagemaker.job_directory import (
    base_environment,
    host_names,
    prepare_job_directory,
    training_environment,
    write_host_names,
)
from localcloud.aws.sagemaker.job_metrics import final_metrics
from localcloud.aws.sagemaker.log_shipping import LogShipper, read_tail
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri, local_path
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document
from localcloud.aws.sagemaker.training_host import TrainingHost, failed
from localcloud.aws.sagemaker.training_states import MAX_REASON_CHARACTERS, enter_state

logger = logging.getLogger("localcloud.sagemaker.training")

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
STOP_GRACE_S = 120.0
_WAIT_S = 5.0
# Hosts of one job are looked at in turn, and have so long to say what the end of one meant to them.
_TURN_S = 0.2
_LAST_WORDS_S = 15.0
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
        first, *others = host_names(job)
        self._hosts = [TrainingHost(first, directory), *(TrainingHost(name, directory / name) for name in others)]
        self._stop = threading.Event()
        self._abandoned = threading.Event()
        if job["TrainingJobStatus"] == "Stopping":
            self._stop.set()
        self._thread = threading.Thread(target=self._run, name=f"training-{self._name}", daemon=True)

    def start(self) -> None:
        """Begins, or goes on where an earlier emulator was killed."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the job as StopTrainingJob does."""
        self._stop.set()
        for host in self._hosts:
            host.request_stop()

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
        running = [host for host in self._hosts if host.is_running]
        for host in running:
            host.kill()
        if running:
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
        record = self._run_containers()
        while record is not None and self._is_interruption(record):
            self._upload_checkpoints(self._s3())
            self._enter("InProgress", "Interrupted")
            if time.time() - self._job["CreationTime"] > self._job["StoppingCondition"]["MaxWaitTimeInSeconds"]:
                self._enter("Stopped", "MaxWaitTimeExceeded")
                return
            self._enter("InProgress", "Starting")
            record = self._run_containers()
        if record is None:
            return
        self._settle(record)
        for host in self._hosts:
            shutil.rmtree(host.ml, ignore_errors=True)
            shutil.rmtree(host.temporary, ignore_errors=True)

    def _is_interruption(self, record: ExitRecord) -> bool:
        """A spot job whose container is killed from outside has lost its capacity; it waits for more, and begins again.

        https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
        """
        is_spot: bool = self._job["EnableManagedSpotTraining"]
        return is_spot and record.reason == "exited" and record.returncode == -signal.SIGKILL

    def _run_containers(self) -> ExitRecord | None:
        """Starts a container on each host, or finds them as an earlier emulator has left them; how they ended."""
        started = self._job["SecondaryStatus"] not in ("Starting", "Downloading")
        found = [host.find() for host in self._hosts] if started else [False]
        if all(found):
            self._follow_logs()
        else:
            for host in self._hosts:
                host.kill()
            image, launches = self._prepare()
            self._follow_logs()
            self._enter("InProgress", "Training")
            for host, launch in zip(self._hosts, launches, strict=True):
                host.process = self._workshop.warm_images.launch(image, host.directory, launch)
        if self._stop.is_set():
            self.stop()
        record = self._await_exit()
        if record is not None:
            for host in self._hosts:
                self._workshop.logs.finish(host.log)
        return record

    def _follow_logs(self) -> None:
        created = int(self._job["CreationTime"])
        for host in self._hosts:
            stream = f"{self._name}/{host.name}-{created}"
            self._workshop.logs.follow(host.log, self._scope.region, LOG_GROUP, stream)

    def _await_exit(self) -> ExitRecord | None:
        """How all hosts ended: as the first that failed, or as the first of them."""
        ended: dict[str, ExitRecord] = {}
        given_up = float("inf")
        while len(ended) < len(self._hosts):
            waited_for = [host for host in self._hosts if host.name not in ended]
            for host in waited_for:
                if self._abandoned.is_set():
                    return None
                if time.monotonic() > given_up:
                    host.kill()
                record = host.wait(_TURN_S if len(self._hosts) > 1 else _WAIT_S)
                if record is not None:
                    ended[host.name] = record
                    if failed(record):
                        given_up = min(given_up, time.monotonic() + _LAST_WORDS_S)
        if self._abandoned.is_set():
            return None
        failures = sorted(filter(failed, ended.values()), key=lambda record: record.ended_at)
        return (failures or [ended[self._hosts[0].name]])[0]

    def _prepare(self) -> tuple[Image, list[Launch]]:
        job, scope, clients = self._job, self._scope, self._workshop.clients
        self._check_stop()
        self._enter("InProgress", "Downloading")
        algorithm = job["AlgorithmSpecification"]
        image = self._workshop.images.find(algorithm["TrainingImage"])
        credentials = clients.assume(job["RoleArn"], f"SageMaker-{self._name}"[:64])
        s3 = self._s3()
        for host in self._hosts:
            prepare_job_directory(host.ml, job, host.name)
            host.log.unlink(missing_ok=True)
            for channel in job.get("InputDataConfig", []):
                download_channel(s3, channel, host.ml / "input/data" / channel["ChannelName"], self._check_stop)
            self._download_checkpoints(s3, host)
        entry_point = algorithm.get("ContainerEntrypoint") or list(image.command)
        arguments = algorithm.get("ContainerArguments")
        if arguments is None:
            arguments = [] if algorithm.get("ContainerEntrypoint") else ["train"]
        names = write_host_names(self._directory, [host.name for host in self._hosts])
        self._check_stop()
        launches = [
            Launch(
                command=[*entry_point, *arguments],
                cwd=image.cwd,
                env=base_environment(image, clients.edge_url, scope.region, credentials, host.temporary)
                | training_environment(job, host.name),
                ml_dir=str(host.ml),
                grace_s=STOP_GRACE_S,
                max_runtime_s=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
                host_names=str(names),
            )
            for host in self._hosts
        ]
        return image, launches

    def _settle(self, record: ExitRecord) -> None:
        first, *_ = self._hosts
        ended_well = record.returncode == 0 or record.reason in ("stopped", "max_runtime")
        s3 = self._s3()
        if ended_well:
            self._enter("Stopping" if record.reason == "stopped" else "InProgress", "Uploading")
        self._upload_checkpoints(s3)
        self._upload_archive(s3, "output.tar.gz", self._files("output/data/*", "output/failure"))
        definitions = self._job["AlgorithmSpecification"].get("MetricDefinitions", [])
        metrics = []
        if definitions:
            metrics = final_metrics(definitions, read_tail(first.log, _METRIC_LOG_BYTES), record.ended_at)
        fields: Document = {"FinalMetricDataList": metrics} if metrics else {}
        if not ended_well:
            failure = next(filter(None, (host.failure for host in self._hosts)), "")
            reason = training_failure(record, failure, read_tail(first.log, _REASON_LOG_BYTES))
            self._enter("Failed", "Failed", FailureReason=reason[:MAX_REASON_CHARACTERS], **fields)
            return
        uri = self._upload_archive(s3, "model.tar.gz", self._files("model/*"), always=True)
        status, secondary = {
            "exited": ("Completed", "Completed"),
            "stopped": ("Stopped", "Stopped"),
            "max_runtime": ("Stopped", "MaxRuntimeExceeded"),
        }[record.reason]
        self._enter(status, secondary, ModelArtifacts={"S3ModelArtifacts": str(uri)}, **fields)

    def _files(self, *patterns: str) -> list[Path]:
        """What the hosts left by that name in /opt/ml; of two by one name that of the earlier host."""
        found: dict[str, Path] = {}
        for host in self._hosts:
            for pattern in patterns:
                for path in host.ml.glob(pattern):
                    found.setdefault(path.name, path)
        return list(found.values())

    def _upload_archive(self, s3: RoleS3, name: str, paths: list[Path], *, always: bool = False) -> S3Uri:
        output_path: str = self._job["OutputDataConfig"]["S3OutputPath"]
        uri = S3Uri.parse(f"{output_path.rstrip('/')}/{self._name}/output/{name}")
        if paths or always:
            archive = self._directory / name
            write_archive(paths, archive)
            s3.upload(archive, uri)
            archive.unlink()
        return uri

    def _download_checkpoints(self, s3: RoleS3, host: TrainingHost) -> None:
        for uri, directory in self._checkpoints(host):
            for key in s3.list_keys(uri):
                s3.download(S3Uri(uri.bucket, key), local_path(directory, relative_to_prefix(key, uri.key)))

    def _upload_checkpoints(self, s3: RoleS3) -> None:
        for uri, directory in (place for host in self._hosts for place in self._checkpoints(host)):
            for path in sorted(directory.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    key = f"{uri.key.rstrip('/')}/{path.relative_to(directory)}"
                    s3.upload(path, S3Uri(uri.bucket, key))

    def _checkpoints(self, host: TrainingHost) -> list[tuple[S3Uri, Path]]:
        config: dict[str, Any] = self._job.get("CheckpointConfig", {})
        if not config:
            return []
        path: str = config.get("LocalPath", f"{CONTAINER_BASE}/checkpoints")
        if not path.startswith(CONTAINER_BASE):
            raise ContainerFailure(f"ClientError: CheckpointConfig.LocalPath {path} is not below {CONTAINER_BASE}.")
        directory = local_path(host.ml, path.removeprefix(CONTAINER_BASE).lstrip("/"))
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
            for host in self._hosts:
                self._workshop.logs.finish(host.log)
            self._enter("Failed", "Failed", FailureReason=reason[:MAX_REASON_CHARACTERS])

    def _enter(self, status: str, secondary: str, **fields: Any) -> None:
        def edit(job: Document) -> None:
            # A stop that has come meanwhile is not overwritten by a step that was already on its way.
            stopping = job["TrainingJobStatus"] == "Stopping" and status == "InProgress"
            enter_state(job, "Stopping" if stopping else status, secondary, time.time())
            job.update(fields)

        self._job = self._workshop.catalogue.change(TRAINING_JOB, self._scope, self._name, edit).document
