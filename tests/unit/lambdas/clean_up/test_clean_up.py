"""clean_up against the local cloud: whatever a stack's functions and jobs have made is gone."""

import json

import pytest

from comal.clients import client
from comal.errors import PlatformError
from comal.lambda_environment import LambdaEnvironment
from comal.scaling_config import target_id
from lambdas.clean_up.handler import handle
from lambdas.clean_up.patience import wait_until
from lambdas.deploy_model.handler import handle as deploy
from tests.unit.comal.registry_samples import make_recipe
from tests.unit.lambdas.lambda_stack import GOOD_IMAGE, NOW, Context, LambdaStack, sqs_event, wait_for

MODELS = {"stack": "t", "models": ["burritos", "tacos"]}
DELETE = {**MODELS, "tf": {"action": "delete", "prev_input": MODELS}}
LEAVES = {"stack": "t", "models": ["burritos"], "tf": {"action": "update", "prev_input": MODELS}}


def serve(stack: LambdaStack) -> None:
    stack.add_version()
    detail = {"ModelPackageGroupName": stack.names.of_model(stack.model), "ModelApprovalStatus": "Approved"}
    deploy(sqs_event({"detail-type": "SageMaker Model Package State Change", "time": NOW, "detail": detail}), Context())


def train(stack: LambdaStack) -> str:
    """A job that runs until it is stopped, and an execution beside it."""
    name = stack.names.training_job(stack.model, "0123456789ab")
    stack.sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": GOOD_IMAGE, "TrainingInputMode": "File"},
        RoleArn=stack.role_arn,
        OutputDataConfig={"S3OutputPath": f"s3://{stack.names.bucket('models')}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"deed": "sleep"},
        Tags=[{"Key": "comal:stack", "Value": stack.names.stack}, {"Key": "comal:model", "Value": stack.model}],
    )
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    machine = stack.stepfunctions.create_state_machine(
        name=stack.names.of_model(stack.model), definition=json.dumps(waits), roleArn=stack.role_arn
    )
    stack.stepfunctions.start_execution(stateMachineArn=machine["stateMachineArn"], name=name)
    return name


def inventory(stack: LambdaStack) -> dict[str, list[str]]:
    """What is left of the stack in SageMaker and its buckets."""
    mine, sagemaker = f"{stack.names.stack}-", stack.sagemaker
    found = {
        "endpoints": [e["EndpointName"] for e in sagemaker.list_endpoints(NameContains=mine)["Endpoints"]],
        "configs": [
            c["EndpointConfigName"] for c in sagemaker.list_endpoint_configs(NameContains=mine)["EndpointConfigs"]
        ],
        "models": [m["ModelName"] for m in sagemaker.list_models(NameContains=mine)["Models"]],
        "versions": [
            p["ModelPackageArn"]
            for p in sagemaker.list_model_packages(ModelPackageGroupName=stack.names.of_model(stack.model))[
                "ModelPackageSummaryList"
            ]
        ],
    }
    for kind in ("landing", "lake", "models"):
        listed = stack.s3.list_object_versions(Bucket=stack.names.bucket(kind))
        found[kind] = [item["Key"] for item in listed.get("Versions", []) + listed.get("DeleteMarkers", [])]
    return {kind: names for kind, names in found.items() if names}


@pytest.mark.parametrize("action", ["create", "update"])
def test_creating_and_updating_a_stack_deletes_nothing(lambda_stack: LambdaStack, action: str) -> None:
    lambda_stack.add_version()
    assert handle({**MODELS, "tf": {"action": action, "prev_input": MODELS}}, Context()) == {
        "done": f"nothing on {action}"
    }
    assert set(inventory(lambda_stack)) == {"versions", "lake", "models"}


def test_nothing_is_left_of_a_stack_that_serves_and_trains(lambda_stack: LambdaStack) -> None:
    serve(lambda_stack)
    job = train(lambda_stack)
    lambda_stack.s3.delete_object(Bucket=lambda_stack.names.bucket("lake"), Key="recipes/tacos.json")
    handle(DELETE, Context())
    assert inventory(lambda_stack) == {}, "not even the marker of the deleted recipe"
    assert lambda_stack.sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] == "Stopped"
    machine = lambda_stack.names.state_machine_arn(lambda_stack.model)
    assert not lambda_stack.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]


def test_a_fleet_that_scales_is_deregistered(lambda_stack: LambdaStack) -> None:
    lambda_stack.deploy(make_recipe(serving={"mode": "realtime", "max": 2}))
    serve(lambda_stack)
    name = lambda_stack.names.of_model(lambda_stack.model)
    wait_for(
        lambda: lambda_stack.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService",
        "the endpoint in service",
    )
    target = target_id(lambda_stack.names, lambda_stack.model)
    scaling = lambda_stack.cloud.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    handle(DELETE, Context())
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert "endpoints" not in inventory(lambda_stack)


def test_a_model_that_leaves_the_stack_takes_along_what_it_made_and_the_data_stays(lambda_stack: LambdaStack) -> None:
    serve(lambda_stack)
    train(lambda_stack)
    assert handle(LEAVES, Context()) == {"done": "cleaned up"}
    assert set(inventory(lambda_stack)) == {"lake", "models"}


def test_what_belongs_to_a_model_that_stays_is_left_alone(lambda_stack: LambdaStack) -> None:
    serve(lambda_stack)
    before = inventory(lambda_stack)
    leaves = {"stack": "t", "models": ["tacos"], "tf": {"action": "update", "prev_input": MODELS}}
    assert handle(leaves, Context()) == {"done": "cleaned up"}
    assert inventory(lambda_stack) == before
    handle(DELETE, Context())


def test_a_second_time_finds_nothing_to_do(lambda_stack: LambdaStack) -> None:
    serve(lambda_stack)
    for _ in range(2):
        assert handle(DELETE, Context()) == {"done": "cleaned up"}


def test_a_stack_without_any_of_its_services_is_clean(
    lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMAL_STACK", "ghost")
    assert handle(DELETE, Context()) == {"done": "cleaned up"}


def test_data_stays_unless_the_stack_allows_that_it_goes(
    lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambda_stack.add_version()
    monkeypatch.setenv("COMAL_EMPTY_ON_DESTROY", "false")
    handle(DELETE, Context())
    assert set(inventory(lambda_stack)) == {"lake", "models"}


def test_what_belongs_to_another_stack_stays(lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack `t` must not take the endpoint of a stack `t-…`, whose name begins alike."""
    serve(lambda_stack)
    before = inventory(lambda_stack)
    monkeypatch.setenv("COMAL_STACK", lambda_stack.names.stack[:1])
    monkeypatch.setenv("COMAL_EMPTY_ON_DESTROY", "false")
    handle(DELETE, Context())
    assert inventory(lambda_stack) == before
    monkeypatch.undo()
    wait_for(
        lambda: (
            lambda_stack.sagemaker.describe_endpoint(EndpointName=before["endpoints"][0])["EndpointStatus"]
            == "InService"
        ),
        "the endpoint",
    )
    lambda_stack.sagemaker.delete_endpoint(EndpointName=before["endpoints"][0])


def test_waiting_ends_with_a_clear_error() -> None:
    with pytest.raises(PlatformError, match=r"Stopping the jobs takes too long\. Run `comal destroy` again\."):
        wait_until(lambda: False, what="Stopping the jobs", deadline=0.0)


def test_the_environment_is_read_for_the_call(lambda_stack: LambdaStack) -> None:
    handle({**MODELS, "tf": {"action": "create"}}, Context())
    assert LambdaEnvironment.read.cache_info().currsize == 0
    assert client.cache_info().currsize == 0
