"""Hyperparameter tuning jobs: training jobs over ranges, the best of them, limits, stops, failures, kill -9."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.sagemaker.conftest import Setup, refusal, start_toy_cloud, wait_for
from tests.contract.sagemaker.test_survival_of_sagemaker import await_saved, kill, restart
from tests.running_cloud import stop_cloud

RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "rmse", "MinValue": "0.001", "MaxValue": "10", "ScalingType": "Logarithmic"}
    ],
    "IntegerParameterRanges": [{"Name": "depth", "MinValue": "2", "MaxValue": "4"}],
    "CategoricalParameterRanges": [{"Name": "booster", "Values": ["tree", "linear"]}],
}


def tuning_request(
    setup: Setup, deed: str = "succeed", jobs: int = 3, parallel: int = 2, **config: Any
) -> dict[str, Any]:
    training = setup.training_request()
    return {
        "HyperParameterTuningJobName": f"tune-{uuid4().hex[:8]}",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": RANGES,
            "RandomSeed": 7,
        }
        | config,
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"deed": deed},
            "AlgorithmSpecification": training["AlgorithmSpecification"],
            **{
                name: training[name]
                for name in ("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
            },
        },
        "Tags": [{"Key": "team", "Value": "toys"}],
    }


def tune(setup: Setup, request: dict[str, Any]) -> str:
    setup.sagemaker.create_hyper_parameter_tuning_job(**request)
    name: str = request["HyperParameterTuningJobName"]
    return name


def describe(setup: Setup, name: str) -> dict[str, Any]:
    job: dict[str, Any] = setup.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return job


def await_end(setup: Setup, name: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = describe(setup, name)
        return job if job["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = wait_for(ended, f"{name} to end")
    return found


def trials(setup: Setup, name: str, **filters: Any) -> list[dict[str, Any]]:
    pages = setup.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, **filters
    )
    return [job for page in pages for job in page["TrainingJobSummaries"]]


@pytest.fixture(scope="module")
def tuned(setup: Setup) -> dict[str, Any]:
    return await_end(setup, tune(setup, tuning_request(setup)))


def test_the_best_training_job_is_the_one_with_the_best_objective(setup: Setup, tuned: dict[str, Any]) -> None:
    assert tuned["HyperParameterTuningJobStatus"] == "Completed", tuned.get("FailureReason")
    assert tuned["TrainingJobStatusCounters"]["Completed"] == 3
    assert tuned["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    jobs = trials(setup, tuned["HyperParameterTuningJobName"])
    values = {job["TrainingJobName"]: job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in jobs}
    best = tuned["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(values.values())
    assert best["TrainingJobName"] == min(values, key=lambda name: values[name])
    assert float(best["TunedHyperParameters"]["rmse"]) == pytest.approx(min(values.values()))


def test_each_training_job_is_described_as_one_of_the_tuning_job(setup: Setup, tuned: dict[str, Any]) -> None:
    name = tuned["HyperParameterTuningJobName"]
    for number, job in enumerate(trials(setup, name, SortBy="Name"), 1):
        assert job["TrainingJobName"].startswith(f"{name}-{number:03}-")
        described = setup.job(job["TrainingJobName"])
        assert described["TuningJobArn"] == tuned["HyperParameterTuningJobArn"]
        parameters = described["HyperParameters"]
        assert parameters["deed"] == "succeed"
        assert parameters["_tuning_objective_metric"] == "rmse"
        assert parameters["booster"] in ("tree", "linear")
        assert int(parameters["depth"]) in (2, 3, 4)
        assert 0.001 <= float(parameters["rmse"]) <= 10
        assert job["TunedHyperParameters"].keys() == {"rmse", "depth", "booster"}
        tags = setup.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
        assert tags == [{"Key": "team", "Value": "toys"}]


def test_a_seed_says_which_values_are_tried(setup: Setup, tuned: dict[str, Any]) -> None:
    same = await_end(setup, tune(setup, tuning_request(setup, parallel=3)))
    other = await_end(setup, tune(setup, tuning_request(setup, RandomSeed=8)))

    def tried(job: dict[str, Any]) -> list[str]:
        return [one["TunedHyperParameters"]["rmse"] for one in trials(setup, job["HyperParameterTuningJobName"])]

    assert tried(same) == tried(tuned)
    assert tried(other) != tried(tuned)


def test_lists_are_sorted_filtered_and_paged(setup: Setup, tuned: dict[str, Any]) -> None:
    name = tuned["HyperParameterTuningJobName"]
    by_value = trials(setup, name, SortBy="FinalObjectiveMetricValue", MaxResults=2)
    values = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in by_value]
    assert values == sorted(values)
    assert len(values) == 3
    by_name = [job["TrainingJobName"] for job in trials(setup, name, SortOrder="Descending", MaxResults=1)]
    assert by_name == sorted(by_name, reverse=True)
    assert trials(setup, name, StatusEquals="Failed") == []
    listed = setup.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)["HyperParameterTuningJobSummaries"]
    assert [(job["Strategy"], job["ResourceLimits"]["MaxNumberOfTrainingJobs"]) for job in listed] == [("Random", 3)]


def test_its_states_are_events_in_awss_shape(setup: Setup) -> None:
    name = tune(setup, tuning_request(setup, jobs=1))
    arn = describe(setup, name)["HyperParameterTuningJobArn"]

    def of_job(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [event for event in heard if event["resources"] == [arn]]

    heard = of_job(setup.events(lambda heard: len(of_job(heard)) == 2))
    assert {event["detail-type"] for event in heard} == {"SageMaker HyperParameter Tuning Job State Change"}
    assert [event["detail"]["HyperParameterTuningJobStatus"] for event in heard] == ["InProgress", "Completed"]
    detail = heard[1]["detail"]
    assert detail["TrainingJobStatusCounters"]["Completed"] == 1
    assert detail["CreationTime"].isdigit()
    assert detail["Tags"] == {"team": "toys"}


def test_a_stopped_job_stops_its_training_jobs(setup: Setup) -> None:
    name = tune(setup, tuning_request(setup, deed="sleep", jobs=5))
    wait_for(lambda: describe(setup, name)["TrainingJobStatusCounters"]["InProgress"] == 2, "two training jobs")
    setup.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = await_end(setup, name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    code, message = refusal(setup.sagemaker.stop_hyper_parameter_tuning_job, HyperParameterTuningJobName=name)
    assert (code, message.endswith("is in status Stopped.")) == ("ValidationException", True)


def test_training_jobs_that_all_fail_fail_the_tuning_job(setup: Setup) -> None:
    job = await_end(setup, tune(setup, tuning_request(setup, deed="fail", jobs=2)))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 2 attempts.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 2
    assert "BestTrainingJob" not in job


def test_an_objective_that_no_log_shows_fails_the_tuning_job(setup: Setup) -> None:
    request = tuning_request(setup, jobs=1)
    algorithm = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    request["TrainingJobDefinition"]["AlgorithmSpecification"] = {
        **algorithm,
        "MetricDefinitions": [{"Name": "rmse", "Regex": "nowhere=([0-9]+)"}],
    }
    job = await_end(setup, tune(setup, request))
    assert job["FailureReason"].startswith("No objective metrics found after running 1 training jobs.")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Strategy": "Hyperband"}, "Strategy Hyperband is not available on this machine; use Random or Bayesian."),
        ({"ParameterRanges": {}}, "At least one hyperparameter range"),
        (
            {"ParameterRanges": {"IntegerParameterRanges": [{"Name": "d", "MinValue": "4", "MaxValue": "2"}]}},
            "MinValue 4 of hyperparameter d must be less than its MaxValue 2",
        ),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "mae"}},
            "Objective metric mae must be one of the MetricDefinitions of the algorithm; found rmse",
        ),
        ({"ResourceLimits": {"MaxParallelTrainingJobs": 1}}, "MaxNumberOfTrainingJobs is needed"),
    ],
)
def test_what_this_machine_cannot_follow_is_refused(setup: Setup, changes: dict[str, Any], expected: str) -> None:
    code, message = refusal(setup.sagemaker.create_hyper_parameter_tuning_job, **tuning_request(setup, **changes))
    assert code == "ValidationException"
    assert expected in message


def test_the_role_of_the_training_jobs_must_be_passed(setup: Setup) -> None:
    iam = setup.cloud.client("iam")
    iam.create_user(UserName="tuner")
    allowed = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="tuner", PolicyName="tunes", PolicyDocument=policy)
    key = iam.create_access_key(UserName="tuner")["AccessKey"]
    tuner = setup.cloud.client("sagemaker", key["AccessKeyId"], key["SecretAccessKey"])
    code, message = refusal(tuner.create_hyper_parameter_tuning_job, **tuning_request(setup))
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message


@pytest.fixture
def survivor(tmp_path: Path) -> Iterator[Setup]:
    prepared = Setup(start_toy_cloud(tmp_path))
    prepared.create()
    yield prepared
    stop_cloud(prepared.cloud)


def test_a_tuning_job_goes_on_after_kill_9(survivor: Setup) -> None:
    await_saved(survivor)
    name = tune(survivor, tuning_request(survivor, jobs=4))
    wait_for(lambda: describe(survivor, name)["TrainingJobStatusCounters"]["InProgress"], "a training job")
    kill(survivor.cloud)
    restart(survivor)
    job = await_end(survivor, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert sum(job["TrainingJobStatusCounters"].values()) == 4
    assert len(trials(survivor, name)) == 4


def test_a_state_machine_waits_for_a_tuning_job(setup: Setup) -> None:
    role = setup.make_role("machine", ["sagemaker:*", "iam:PassRole"], service="states.amazonaws.com")
    request = tuning_request(setup, jobs=1)
    # The task takes tags and all as they are.
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
        "Parameters": request,
        "End": True,
    }
    client = setup.cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": "Tune", "States": {"Tune": task}})
    machine = client.create_state_machine(name="tunes", definition=definition, roleArn=role)["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    end = wait_for(
        lambda: (found := client.describe_execution(executionArn=execution))["status"] != "RUNNING" and found, "an end"
    )
    assert end["status"] == "SUCCEEDED", (end.get("error"), end.get("cause"))
    output = json.loads(end["output"])
    assert output["HyperParameterTuningJobStatus"] == "Completed"
    assert output["BestTrainingJob"]["ObjectiveStatus"] == "Succeeded"
