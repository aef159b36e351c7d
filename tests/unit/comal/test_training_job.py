import re
from typing import Any

import pytest

from comal.recipe_metrics import METRICS_OF
from comal.tracking import tracking_environment
from comal.training_job import training_job_request
from tests.unit.comal.registry_samples import complaints, make_names, make_recipe, make_version

RUN_ID = "0123456789ab"
FIELDS = {
    "TrainingJobName", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig",
    "StoppingCondition", "EnableManagedSpotTraining", "CheckpointConfig", "HyperParameters", "Environment", "Tags",
}  # fmt: skip


def _request(champion: bool = True, **sections: Any) -> dict[str, Any]:
    return training_job_request(
        make_recipe(**sections),
        make_names(),
        RUN_ID,
        make_version() if champion else None,
        image_uri="000000000000.dkr.ecr.us-east-1.amazonaws.com/comal:2",
        role_arn="arn:aws:iam::000000000000:role/comal-dev-training",
    )


@pytest.mark.parametrize("champion", [True, False])
@pytest.mark.parametrize("training", [{}, {"spot": True, "instance": "ml.g5.xlarge"}, {"instances": 4}])
def test_sagemaker_accepts_the_request_and_every_field_is_there(champion: bool, training: dict[str, Any]) -> None:
    request = _request(champion, training=training)
    assert complaints("CreateTrainingJob", request) == ""
    assert set(request) == FIELDS
    assert request["ResourceConfig"]["InstanceCount"] == training.get("instances", 1)


def test_the_job_reads_the_runs_inputs_and_the_champions_artifact() -> None:
    sources = {c["ChannelName"]: c["DataSource"]["S3DataSource"] for c in _request()["InputDataConfig"]}
    models = "s3://comal-dev-models-000000000000-us-east-1"
    assert sources["train"]["S3Uri"] == f"{models}/tacos/runs/{RUN_ID}/inputs/train.manifest"
    assert sources["train"]["S3DataType"] == "ManifestFile"
    assert sources["recipe"]["S3Uri"] == f"{models}/tacos/runs/{RUN_ID}/inputs/recipe/"
    assert sources["champion"]["S3Uri"] == make_version().model_data_url


def test_the_artifact_lands_where_register_model_looks() -> None:
    request = _request()
    assert request["OutputDataConfig"] == {
        "S3OutputPath": f"s3://comal-dev-models-000000000000-us-east-1/tacos/runs/{RUN_ID}"
    }
    assert request["TrainingJobName"] == f"dev-tacos-{RUN_ID}"


def test_the_first_run_has_no_champion() -> None:
    request = _request(champion=False)
    assert request["HyperParameters"] == {"model": "tacos", "run_id": RUN_ID}
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["train", "recipe"]


def test_the_job_is_told_which_version_it_is_compared_with() -> None:
    assert _request()["HyperParameters"] == {
        "model": "tacos",
        "run_id": RUN_ID,
        "champion_version": "3",
        "champion_package_arn": make_version().arn,
    }


def test_a_spot_job_says_how_long_it_may_wait_and_others_must_not() -> None:
    spot = _request(training={"spot": True, "max_runtime_minutes": 10})
    assert spot["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    assert spot["EnableManagedSpotTraining"] is True
    assert _request()["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}


@pytest.mark.parametrize("task", METRICS_OF)
def test_every_metric_of_the_task_is_read_off_the_log(task: str) -> None:
    definitions = _request(task=task)["AlgorithmSpecification"]["MetricDefinitions"]
    regexes = {definition["Name"]: definition["Regex"] for definition in definitions}
    assert set(regexes) == {*METRICS_OF[task], "train:rows"}
    for name, regex in regexes.items():
        found = re.search(regex, f"metric {name}=-1.5e-07")
        assert found is not None
        assert float(found.group(1)) == -1.5e-07


def test_the_job_carries_the_tags_that_find_it_again() -> None:
    assert {tag["Key"]: tag["Value"] for tag in _request()["Tags"]} == {
        "comal:stack": "dev", "comal:model": "tacos", "comal:run": RUN_ID,
    }  # fmt: skip


def test_only_with_a_tracker_is_the_job_told_of_one() -> None:
    assert tracking_environment("dev-tacos", "") == {}
    assert "MLFLOW_TRACKING_URI" not in _request()["Environment"]
    told = {"MLFLOW_TRACKING_URI": "http://mlflow", "MLFLOW_EXPERIMENT_NAME": "dev-tacos"}
    assert tracking_environment("dev-tacos", "http://mlflow") == told
