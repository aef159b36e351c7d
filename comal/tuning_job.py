"""The complete CreateHyperParameterTuningJob request of a run that searches in several training jobs.

Each training job is a whole search of its own: it differs from the others by its seed, fits what it found and evaluates
it. The tuning job runs them side by side and names the best. Values are drawn at random by a seed, so that the same run
has the same searches.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from typing import Any

from comal.names import Names
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER
from comal.recipe_training import Search
from comal.training_job import SCORE

SEED_PARAMETER = "search_seed"
_MAX_SEED = 1_000_000
_SHARED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "Environment",
)


def tuning_job_request(
    recipe: Recipe, search: Search, names: Names, run_id: str, job: dict[str, Any]
) -> dict[str, Any]:
    """The request, from that of the run's training job.

    Args:
        recipe: The recipe that the run uses.
        search: Its search.
        names: Names of the stack.
        run_id: Id of the run.
        job: What `training_job_request` made.
    """
    kind = "Maximize" if recipe.metric in HIGHER_IS_BETTER else "Minimize"
    seeds = {"Name": SEED_PARAMETER, "MinValue": "0", "MaxValue": str(_MAX_SEED)}
    return {
        "HyperParameterTuningJobName": names.tuning_job(run_id),
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": kind, "MetricName": SCORE},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": search.jobs, "MaxParallelTrainingJobs": search.jobs},
            "ParameterRanges": {"IntegerParameterRanges": [seeds]},
            "RandomSeed": recipe.training.seed,
        },
        "TrainingJobDefinition": {
            **{name: job[name] for name in _SHARED},
            "StaticHyperParameters": job["HyperParameters"],
        },
        "Tags": job["Tags"],
    }
