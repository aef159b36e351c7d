from typing import Any

import pytest

from comal.recipe import Recipe
from comal.recipe_training import Search
from comal.training_job import training_job_request
from comal.tuning_job import tuning_job_request
from tests.unit.comal.registry_samples import complaints, make_names, make_recipe, make_version

RUN_ID = "0123456789ab"
SEARCH = Search(jobs=4)


def searching(**sections: Any) -> Recipe:
    return make_recipe(**sections).searching(SEARCH)


def request(recipe: Recipe) -> dict[str, Any]:
    image, role = "000000000000.dkr.ecr.us-east-1.amazonaws.com/comal:2", "arn:aws:iam::000000000000:role/comal-dev"
    job = training_job_request(recipe, make_names(), RUN_ID, make_version(), image_uri=image, role_arn=role)
    return tuning_job_request(recipe, SEARCH, make_names(), RUN_ID, job)


@pytest.mark.parametrize("training", [{}, {"spot": True, "instance": "ml.g5.xlarge"}])
def test_sagemaker_accepts_the_request(training: dict[str, Any]) -> None:
    made = request(searching(training=training))
    assert complaints("CreateHyperParameterTuningJob", made) == ""
    assert len(made["HyperParameterTuningJobName"]) <= 32


def test_each_job_is_a_search_with_its_own_seed() -> None:
    config = request(searching())["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 4}
    (seeds,) = config["ParameterRanges"]["IntegerParameterRanges"]
    assert seeds["Name"] == "search_seed"
    assert config["RandomSeed"] == 7


@pytest.mark.parametrize(("metric", "kind"), [("rmse", "Minimize"), ("r2", "Maximize")])
def test_the_best_is_the_best_by_the_gates_metric(metric: str, kind: str) -> None:
    made = request(searching(gate={"metric": metric}))
    objective = made["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    assert objective == {"Type": kind, "MetricName": "search:score"}
    definitions = made["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    assert "search:score" in {definition["Name"] for definition in definitions}
