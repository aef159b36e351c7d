"""The training jobs of a tuning job: how they stand, what they reached, which is the best."""

from collections.abc import Sequence

from localcloud.aws.sagemaker.families import TRAINING_JOB
from localcloud.aws.sagemaker.store import Document, Resource, Store
from localcloud.aws.sagemaker.training_states import ACTIVE

_COUNTER = {
    "InProgress": "InProgress",
    "Stopping": "InProgress",
    "Completed": "Completed",
    "Stopped": "Stopped",
    "Failed": "NonRetryableError",
}


def trials_of(store: Store, tuning_job: Resource) -> list[Resource]:
    """Its training jobs, oldest first."""
    scope = tuning_job.scope
    where = "account=? and region=? and parent=?"
    arguments = (scope.account, scope.region, tuning_job.name.lower())
    return store.select(TRAINING_JOB.name, where, arguments, "order by created_at, name")


def summary(tuning_job: Document, trial: Document) -> Document:
    """One training job as the lists and BestTrainingJob show it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTrainingJobSummary.html
    """
    definition = tuning_job["TrainingJobDefinition"]
    static = definition.get("StaticHyperParameters", {})
    shown: Document = {
        name: trial[name]
        for name in (
            "TrainingJobName",
            "TrainingJobArn",
            "CreationTime",
            "TrainingStartTime",
            "TrainingEndTime",
            "TrainingJobStatus",
            "FailureReason",
        )
        if name in trial
    }
    shown["TunedHyperParameters"] = {
        name: value
        for name, value in trial["HyperParameters"].items()
        if name not in static and not name.startswith("_")
    }
    shown["ObjectiveStatus"] = _objective_status(tuning_job, trial)
    if "DefinitionName" in definition:
        shown["TrainingJobDefinitionName"] = definition["DefinitionName"]
    value = objective_value(tuning_job, trial)
    if value is not None:
        objective = tuning_job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        shown["FinalHyperParameterTuningJobObjectiveMetric"] = {**objective, "Value": value}
    return shown


def objective_value(tuning_job: Document, trial: Document) -> float | None:
    """What a training job reached, or None."""
    name = tuning_job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    for metric in trial.get("FinalMetricDataList", []):
        if metric["MetricName"] == name:
            return float(metric["Value"])
    return None


def standing(tuning_job: Document, trials: Sequence[Document]) -> Document:
    """The counters of DescribeHyperParameterTuningJob, and the best training job so far."""
    jobs = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        jobs[_COUNTER[trial["TrainingJobStatus"]]] += 1
        objectives[_objective_status(tuning_job, trial)] += 1
    fields: Document = {"TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}
    finished = [trial for trial in trials if _objective_status(tuning_job, trial) == "Succeeded"]
    if finished:
        objective = tuning_job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        choose = max if objective["Type"] == "Maximize" else min
        best = choose(finished, key=lambda trial: objective_value(tuning_job, trial) or 0.0)
        fields["BestTrainingJob"] = summary(tuning_job, best)
    return fields


def _objective_status(tuning_job: Document, trial: Document) -> str:
    if trial["TrainingJobStatus"] in ACTIVE:
        return "Pending"
    is_there = trial["TrainingJobStatus"] == "Completed" and objective_value(tuning_job, trial) is not None
    return "Succeeded" if is_there else "Failed"
