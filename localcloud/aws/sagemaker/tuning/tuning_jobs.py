"""CreateHyperParameterTuningJob, StopHyperParameterTuningJob, and what is left of the jobs after a restart."""

import base64
import threading
import zlib

from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.errors import ApiError, ValidationError
from localcloud.aws.sagemaker.families import TUNING_JOB
from localcloud.aws.sagemaker.listing import DEFAULT_PAGE
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document, Resource
from localcloud.aws.sagemaker.training_jobs import TrainingJobs
from localcloud.aws.sagemaker.training_states import ACTIVE
from localcloud.aws.sagemaker.tuning.ranges import check_ranges
from localcloud.aws.sagemaker.tuning.trials import standing, summary, trials_of
from localcloud.aws.sagemaker.tuning.tuning_run import TuningRun

# Both strategies draw at random here: what a Bayesian search gains over that is AWS's own.
_STRATEGIES = ("Random", "Bayesian")
_ABSENT = ("TrainingJobDefinitions", "WarmStartConfig", "Autotune")


class TuningJobs:
    """All tuning jobs of this machine."""

    def __init__(self, catalogue: Catalogue, clients: AwsClients, training_jobs: TrainingJobs) -> None:
        self._catalogue = catalogue
        self._clients = clients
        self._training_jobs = training_jobs
        self._runs: list[TuningRun] = []
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Operation]:
        """What the table of families does not cover."""
        return {
            "CreateHyperParameterTuningJob": self.create,
            "StopHyperParameterTuningJob": self.stop,
            "DeleteHyperParameterTuningJob": self.delete,
            "ListTrainingJobsForHyperParameterTuningJob": self.list_training_jobs,
        }

    def resume(self) -> None:
        """Takes up the jobs that a killed emulator left."""
        for resource in self._catalogue.all_with_status(TUNING_JOB, ACTIVE):
            self._start(resource)

    def abandon(self) -> None:
        """Lets go of all jobs because the emulator ends."""
        with self._lock:
            runs = list(self._runs)
        for run in runs:
            run.abandon()

    def is_idle(self) -> bool:
        """Whether no job runs."""
        with self._lock:
            return not any(run.is_running for run in self._runs)

    def create(self, scope: Scope, request: Document) -> Document:
        """CreateHyperParameterTuningJob.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
        """
        config = _check_request(request)
        self._clients.check_role(request["TrainingJobDefinition"]["RoleArn"], scope.region)
        name = request["HyperParameterTuningJobName"]
        document = {
            **request,
            "HyperParameterTuningJobConfig": {"RandomSeed": zlib.crc32(name.encode()) >> 1, **config},
            "HyperParameterTuningJobStatus": "InProgress",
            # Where the list shows them.
            "Strategy": config["Strategy"],
            "ResourceLimits": config["ResourceLimits"],
        }
        resource = self._catalogue.add(
            TUNING_JOB, scope, name, document | standing(document, ()), request.get("Tags", [])
        )
        self._start(resource)
        return {"HyperParameterTuningJobArn": resource.document["HyperParameterTuningJobArn"]}

    def stop(self, scope: Scope, request: Document) -> Document:
        """StopHyperParameterTuningJob: its training jobs are stopped, and what they have done is kept."""

        def edit(job: Document) -> None:
            status = job["HyperParameterTuningJobStatus"]
            if status != "InProgress":
                raise ValidationError(
                    f"The request was rejected because the hyperparameter tuning job is in status {status}."
                )
            job["HyperParameterTuningJobStatus"] = "Stopping"

        self._catalogue.change(TUNING_JOB, scope, request["HyperParameterTuningJobName"], edit)
        return {}

    def delete(self, scope: Scope, request: Document) -> Document:
        """DeleteHyperParameterTuningJob: only of one that has ended; its training jobs stay."""
        resource = self._catalogue.find(TUNING_JOB, scope, request["HyperParameterTuningJobName"])
        if resource.status in ACTIVE:
            raise ApiError(
                "ResourceInUse", f"The tuning job {resource.name} is in status {resource.status}; stop it first."
            )
        self._catalogue.remove(TUNING_JOB, resource)
        return {}

    def list_training_jobs(self, scope: Scope, request: Document) -> Document:
        """ListTrainingJobsForHyperParameterTuningJob.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobsForHyperParameterTuningJob.html
        """
        resource = self._catalogue.find(TUNING_JOB, scope, request["HyperParameterTuningJobName"])
        trials = [summary(resource.document, one.document) for one in trials_of(self._catalogue.store, resource)]
        if wanted := request.get("StatusEquals"):
            trials = [one for one in trials if one["TrainingJobStatus"] == wanted]
        trials = _sorted(trials, request.get("SortBy", "Name"))
        if request.get("SortOrder") == "Descending":
            trials.reverse()
        start = _read_token(request.get("NextToken"))
        end = start + int(request.get("MaxResults") or DEFAULT_PAGE)
        answer: Document = {"TrainingJobSummaries": trials[start:end]}
        if end < len(trials):
            answer["NextToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        return answer

    def _start(self, resource: Resource) -> None:
        run = TuningRun(self._catalogue, self._training_jobs, resource)
        with self._lock:
            self._runs = [earlier for earlier in self._runs if earlier.is_running] + [run]
            run.start()


def _check_request(request: Document) -> Document:
    """The job's configuration, if this machine can follow it."""
    for name in _ABSENT:
        if name in request:
            raise ValidationError(f"{name} is not available on this machine; leave it out.")
    config: Document = request["HyperParameterTuningJobConfig"]
    definition = request.get("TrainingJobDefinition")
    if definition is None:
        raise ValidationError("TrainingJobDefinition is needed.")
    if config["Strategy"] not in _STRATEGIES:
        raise ValidationError(
            f"Strategy {config['Strategy']} is not available on this machine; use {' or '.join(_STRATEGIES)}."
        )
    if "TuningJobCompletionCriteria" in config:
        raise ValidationError("TuningJobCompletionCriteria is not available on this machine; leave it out.")
    if "MaxNumberOfTrainingJobs" not in config["ResourceLimits"]:
        raise ValidationError(f"MaxNumberOfTrainingJobs is needed for strategy {config['Strategy']}.")
    if "ResourceConfig" not in definition and "HyperParameterTuningResourceConfig" not in definition:
        raise ValidationError("ResourceConfig is needed in TrainingJobDefinition.")
    _check_objective(config.get("HyperParameterTuningJobObjective"), definition)
    check_ranges(config.get("ParameterRanges", {}))
    return config


def _check_objective(objective: Document | None, definition: Document) -> None:
    if objective is None:
        raise ValidationError("HyperParameterTuningJobObjective is needed.")
    metrics = [one["Name"] for one in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]
    if objective["MetricName"] not in metrics:
        raise ValidationError(
            f"Objective metric {objective['MetricName']} must be one of the MetricDefinitions of the algorithm; found "
            f"{', '.join(metrics) or 'none'}."
        )


def _sorted(trials: list[Document], by: str) -> list[Document]:
    if by == "FinalObjectiveMetricValue":
        # Those without one are not listed.
        metric = "FinalHyperParameterTuningJobObjectiveMetric"
        return sorted((one for one in trials if metric in one), key=lambda one: float(one[metric]["Value"]))
    field = {"Name": "TrainingJobName", "Status": "TrainingJobStatus", "CreationTime": "CreationTime"}[by]
    return sorted(trials, key=lambda one: (one[field], one["TrainingJobName"]))


def _read_token(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise ValidationError("The token you provided is not valid.") from None
