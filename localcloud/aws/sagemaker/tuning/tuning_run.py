"""One tuning job: launches training jobs as places become free, until its limits, a stop or too many failures."""

import hashlib
import logging
import threading
import time
from contextlib import suppress
from typing import Any

from localcloud.aws.sagemaker.catalogue import Catalogue
from localcloud.aws.sagemaker.errors import ApiError, ValidationError
from localcloud.aws.sagemaker.families import TUNING_JOB
from localcloud.aws.sagemaker.store import Document, Resource
from localcloud.aws.sagemaker.training_jobs import TrainingJobs
from localcloud.aws.sagemaker.training_states import ACTIVE
from localcloud.aws.sagemaker.tuning.ranges import draw
from localcloud.aws.sagemaker.tuning.trials import standing, trials_of

logger = logging.getLogger("localcloud.sagemaker.tuning")

_POLL_S = 0.2
# What AWS's reason says: "No training job succeeded after 5 attempts".
_ATTEMPTS = 5
_COPIED = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


class TuningRun:
    """Its thread; everything it knows is in the catalogue, so the next emulator goes on where this one was killed."""

    def __init__(self, catalogue: Catalogue, training_jobs: TrainingJobs, resource: Resource) -> None:
        self._catalogue = catalogue
        self._training_jobs = training_jobs
        self._scope = resource.scope
        self._name = resource.name
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tuning-{self._name}", daemon=True)

    def start(self) -> None:
        """Begins, or goes on."""
        self._thread.start()

    def abandon(self) -> None:
        """Lets go of the job because the emulator ends."""
        self._abandoned.set()
        self._thread.join(timeout=5)

    @property
    def is_running(self) -> bool:
        """Whether there is something left to do."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._abandoned.is_set() and self._step():
                self._abandoned.wait(_POLL_S)
        except ApiError as error:
            self._end("Failed", FailureReason=error.message)
        except Exception as error:  # the job's owner must hear of it, whatever it was
            logger.exception("Tuning job %s failed inside the emulator", self._name)
            self._end("Failed", FailureReason=f"InternalServerError: {type(error).__name__}: {error}")

    def _step(self) -> bool:
        """Looks at the training jobs and launches what may be launched; whether the job goes on."""
        resource = self._catalogue.find(TUNING_JOB, self._scope, self._name)
        job = resource.document
        trials = [one.document for one in trials_of(self._catalogue.store, resource)]
        stands = standing(job, trials)
        if any(job.get(name) != value for name, value in stands.items()):
            self._catalogue.change(
                TUNING_JOB, self._scope, self._name, lambda document: document.update(stands), announce=False
            )
        running = [trial for trial in trials if trial["TrainingJobStatus"] in ACTIVE]
        limits = job["HyperParameterTuningJobConfig"]["ResourceLimits"]
        is_late = time.time() - job["CreationTime"] > limits.get("MaxRuntimeInSeconds", float("inf"))
        if job["HyperParameterTuningJobStatus"] == "Stopping" or is_late:
            stopped = job["HyperParameterTuningJobStatus"] == "Stopping"
            return self._wind_down(running, "Stopped" if stopped else "Completed")
        if reason := _hopeless(limits["MaxNumberOfTrainingJobs"], trials, stands):
            return self._wind_down(running, "Failed", FailureReason=reason)
        left = limits["MaxNumberOfTrainingJobs"] - len(trials)
        if not left and not running:
            return self._wind_down([], "Completed")
        for number in range(min(left, limits["MaxParallelTrainingJobs"] - len(running))):
            self._launch(resource, len(trials) + 1 + number)
        return True

    def _wind_down(self, running: list[Document], status: str, **fields: Any) -> bool:
        for trial in running:
            if trial["TrainingJobStatus"] == "InProgress":
                with suppress(ValidationError):  # it has ended meanwhile
                    self._training_jobs.stop(self._scope, {"TrainingJobName": trial["TrainingJobName"]})
        if not running:
            self._end(status, **fields)
        return bool(running)

    def _launch(self, resource: Resource, number: int) -> None:
        job = resource.document
        definition, config = job["TrainingJobDefinition"], job["HyperParameterTuningJobConfig"]
        tuned = draw(config["ParameterRanges"], config["RandomSeed"], number)
        suffix = hashlib.sha256(f"{job['HyperParameterTuningJobArn']}:{number}".encode()).hexdigest()[:8]
        name = f"{self._name}-{number:03}-{suffix}"
        request = {field: definition[field] for field in _COPIED if field in definition} | {
            "TrainingJobName": name,
            "AlgorithmSpecification": definition["AlgorithmSpecification"],
            "ResourceConfig": definition.get("ResourceConfig") or definition["HyperParameterTuningResourceConfig"],
            # https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
            "HyperParameters": {
                **definition.get("StaticHyperParameters", {}),
                **tuned,
                "_tuning_objective_metric": config["HyperParameterTuningJobObjective"]["MetricName"],
            },
            "Tags": [
                {"Key": key, "Value": value}
                for key, value in self._catalogue.store.tags(job["HyperParameterTuningJobArn"]).items()
            ],
        }
        if "CheckpointConfig" in definition:
            # A folder each: no training job goes on from another's checkpoints.
            checkpoints = definition["CheckpointConfig"]
            request["CheckpointConfig"] = {**checkpoints, "S3Uri": f"{checkpoints['S3Uri'].rstrip('/')}/{name}"}
        self._training_jobs.launch(
            self._scope, request, parent=self._name, TuningJobArn=job["HyperParameterTuningJobArn"]
        )

    def _end(self, status: str, **fields: Any) -> None:
        def edit(job: Document) -> None:
            job["HyperParameterTuningJobStatus"] = status
            job["HyperParameterTuningEndTime"] = time.time()
            job.update(fields)

        self._catalogue.change(TUNING_JOB, self._scope, self._name, edit)


def _hopeless(limit: int, trials: list[Document], stands: Document) -> str:
    """Why it makes no sense to go on, in AWS's words; empty where it does."""
    ended = [trial for trial in trials if trial["TrainingJobStatus"] not in ACTIVE]
    if stands["ObjectiveStatusCounters"]["Succeeded"] or len(ended) < min(_ATTEMPTS, limit):
        return ""
    if stands["TrainingJobStatusCounters"]["Completed"]:
        return (
            f"No objective metrics found after running {len(ended)} training jobs. Please ensure that the custom "
            "algorithm is emitting the objective metric as defined by the regular expression provided."
        )
    return (
        f"No training job succeeded after {len(ended)} attempts. For additional details, please take a look at the "
        "training job failures by listing training jobs for the hyperparameter tuning job."
    )
