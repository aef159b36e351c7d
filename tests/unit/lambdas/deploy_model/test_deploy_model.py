"""deploy_model against the local cloud: real endpoints, real containers."""

from collections.abc import Iterator
from typing import Any

import pytest

from comal import s3_layout
from comal.absence import describe_or_none
from lambdas.deploy_model.handler import handle
from lambdas.deploy_model.sagemaker_endpoint import SageMakerEndpoint
from tests.unit.comal.registry_samples import make_recipe
from tests.unit.lambdas.lambda_stack import BROKEN_IMAGE, NOW, Context, LambdaStack, sqs_event, wait_for

REALTIME = {"mode": "realtime", "instance": "ml.c6i.large"}


@pytest.fixture
def stack(lambda_stack: LambdaStack) -> Iterator[LambdaStack]:
    yield lambda_stack
    if describe(lambda_stack):
        at_rest(lambda_stack)
        lambda_stack.sagemaker.delete_endpoint(EndpointName=endpoint_name(lambda_stack))


def endpoint_name(stack: LambdaStack) -> str:
    return stack.names.of_model(stack.model)


def describe(stack: LambdaStack) -> dict[str, Any] | None:
    return describe_or_none(stack.sagemaker.describe_endpoint, EndpointName=endpoint_name(stack))


def at_rest(stack: LambdaStack) -> dict[str, Any]:
    def rests() -> dict[str, Any] | None:
        found = describe(stack)
        return found if found and found["EndpointStatus"] not in ("Creating", "Updating") else None

    found: dict[str, Any] = wait_for(rests, "the endpoint at rest")
    return found


def approved(stack: LambdaStack) -> list[Any]:
    detail = {"ModelPackageGroupName": endpoint_name(stack), "ModelApprovalStatus": "Approved"}
    return call({"detail-type": "SageMaker Model Package State Change", "time": NOW, "detail": detail})


def changed(stack: LambdaStack) -> list[Any]:
    detail = {"EndpointName": endpoint_name(stack), "EndpointStatus": "IN_SERVICE"}
    return call({"detail-type": "SageMaker Endpoint State Change", "time": NOW, "detail": detail})


def call(*envelopes: dict[str, Any]) -> list[Any]:
    failures: list[Any] = handle(sqs_event(*envelopes), Context())["batchItemFailures"]
    return failures


def deploy(stack: LambdaStack) -> str:
    """Both events that a good deployment brings; the config that is served then."""
    approved(stack)
    config: str = at_rest(stack)["EndpointConfigName"]
    changed(stack)
    return config


def served(stack: LambdaStack) -> str:
    config = at_rest(stack)["EndpointConfigName"]
    variants = stack.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return str(variants[0]["ModelName"])


def names_of(stack: LambdaStack, operation: str, key: str, kind: str) -> set[str]:
    answer = getattr(stack.sagemaker, operation)(NameContains=endpoint_name(stack))
    return {item[f"{kind}Name"] for item in answer[key]}


def test_the_first_approved_version_is_served(stack: LambdaStack) -> None:
    arn = stack.add_version()
    deploy(stack)
    assert served(stack) == stack.names.model_version(stack.model, 1)
    (deployed,) = stack.events(lambda heard: len(heard) == 1)
    assert deployed["detail-type"] == "ModelDeployed"
    assert deployed["detail"]["model_package_arn"] == arn
    endpoint = describe(stack)
    assert endpoint is not None
    tags = stack.sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
    assert {"Key": "comal:model", "Value": stack.model} in tags


def test_without_an_approved_version_nothing_is_served(stack: LambdaStack) -> None:
    stack.add_version(approval="Rejected")
    assert approved(stack) == []
    assert describe(stack) is None


def test_a_newer_version_takes_over_and_the_oldest_is_deleted(stack: LambdaStack) -> None:
    configs = []
    for _ in range(3):
        stack.add_version()
        configs.append(deploy(stack))
    models = [stack.names.model_version(stack.model, version) for version in (1, 2, 3)]
    assert served(stack) == models[2]
    assert names_of(stack, "list_models", "Models", "Model") == set(models[1:])
    assert names_of(stack, "list_endpoint_configs", "EndpointConfigs", "EndpointConfig") == set(configs[1:])


def test_events_that_come_again_change_nothing(stack: LambdaStack) -> None:
    stack.add_version()
    for _ in range(3):
        approved(stack)
        changed(stack)
    at_rest(stack)
    for _ in range(3):
        changed(stack)
    (heard,) = stack.events(lambda heard: len(heard) >= 1)
    assert heard["detail-type"] == "ModelDeployed"


def test_a_version_that_cannot_be_served_is_rejected_and_the_former_serves_on(stack: LambdaStack) -> None:
    stack.add_version()
    former = deploy(stack)
    broken = stack.add_version(image=BROKEN_IMAGE)
    deploy(stack)
    assert at_rest(stack)["EndpointConfigName"] == former
    approval, why = stack.approval_of(broken)
    assert approval == "Rejected"
    assert why.startswith("rollback: ")
    heard = stack.events(lambda heard: any(event["detail-type"] == "ModelRolledBack" for event in heard))
    (rolled_back,) = [event["detail"] for event in heard if event["detail-type"] == "ModelRolledBack"]
    assert rolled_back["version"] == 2
    changed(stack)
    assert served(stack) == stack.names.model_version(stack.model, 1)


def test_a_rejected_version_is_tried_again_when_somebody_approves_it(stack: LambdaStack) -> None:
    stack.add_version()
    deploy(stack)
    broken = stack.add_version(image=BROKEN_IMAGE)
    deploy(stack)
    changed(stack)
    stack.sagemaker.update_model_package(ModelPackageArn=broken, ModelApprovalStatus="Approved")
    approved(stack)
    assert describe(stack)["EndpointStatus"] == "Updating"  # type: ignore[index]
    at_rest(stack)


def test_a_first_version_that_cannot_be_served_leaves_no_broken_endpoint(stack: LambdaStack) -> None:
    broken = stack.add_version(image=BROKEN_IMAGE)
    approved(stack)
    assert at_rest(stack)["EndpointStatus"] == "Failed"
    changed(stack)
    wait_for(lambda: describe(stack) is None, "the broken endpoint to go")
    assert stack.approval_of(broken)[0] == "Rejected"
    stack.add_version()
    deploy(stack)
    assert served(stack) == stack.names.model_version(stack.model, 2)


def test_other_settings_of_the_recipe_move_the_endpoint_to_another_config(stack: LambdaStack) -> None:
    stack.add_version()
    first = deploy(stack)
    stack.deploy(make_recipe(serving={"memory_mb": 4096}))
    assert deploy(stack) != first
    assert served(stack) == stack.names.model_version(stack.model, 1)


def test_a_crash_before_the_update_leads_to_no_rejection(stack: LambdaStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config is there, but was never tried."""
    stack.add_version()
    deploy(stack)
    good = stack.add_version()
    with monkeypatch.context() as patch:
        patch.setattr(SageMakerEndpoint, "prepare", _prepare_and_die(SageMakerEndpoint.prepare))
        with pytest.raises(Exception, match="All records failed"):
            approved(stack)
    deploy(stack)
    assert served(stack) == stack.names.model_version(stack.model, 2)
    assert stack.approval_of(good)[0] == "Approved"


def _prepare_and_die(prepare: Any) -> Any:
    def dying(self: SageMakerEndpoint, version: Any) -> None:
        prepare(self, version)
        raise RuntimeError("killed")

    return dying


@pytest.mark.parametrize("step", ["registry.judge", "SageMakerEndpoint.forget_attempt"])
def test_a_crash_in_the_midst_of_a_roll_back_is_made_good(
    stack: LambdaStack, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    stack.add_version()
    former = deploy(stack)
    broken = stack.add_version(image=BROKEN_IMAGE)
    approved(stack)
    at_rest(stack)
    with monkeypatch.context() as patch:
        patch.setattr(f"lambdas.deploy_model.logic.{step}", _die)
        with pytest.raises(Exception, match="All records failed"):
            changed(stack)
    changed(stack)
    assert at_rest(stack)["EndpointConfigName"] == former
    assert stack.approval_of(broken)[0] == "Rejected"
    heard = stack.events(lambda heard: any(event["detail-type"] == "ModelRolledBack" for event in heard))
    rolled_back = {event["detail"]["event_id"] for event in heard if event["detail-type"] == "ModelRolledBack"}
    assert len(rolled_back) == 1


def _die(*_: Any, **__: Any) -> None:
    raise RuntimeError("killed")


def test_instances_cannot_become_serverless_and_the_message_fails(stack: LambdaStack) -> None:
    stack.deploy(make_recipe(serving=REALTIME))
    stack.add_version()
    deploy(stack)
    stack.deploy(make_recipe())
    with pytest.raises(Exception, match=r"cannot update it to serving\.mode serverless"):
        approved(stack)


def test_endpoints_of_nobody_are_passed_over(stack: LambdaStack) -> None:
    detail = {"EndpointName": f"{stack.names.stack}-somebody-elses", "EndpointStatus": "IN_SERVICE"}
    assert call({"detail-type": "SageMaker Endpoint State Change", "time": NOW, "detail": detail}) == []


def rejected(stack: LambdaStack) -> list[Any]:
    detail = {"ModelPackageGroupName": endpoint_name(stack), "ModelApprovalStatus": "Rejected"}
    return call({"detail-type": "SageMaker Model Package State Change", "time": NOW, "detail": detail})


def test_when_the_champion_is_rejected_the_version_before_it_is_served_with_its_profile(stack: LambdaStack) -> None:
    lake = stack.names.bucket("lake")
    arns = []
    for version in (1, 2):
        key = s3_layout.version_profile_key(stack.model, version, "reference")
        stack.s3.put_object(Bucket=lake, Key=key, Body=f"profile of {version}".encode())
        arns.append(stack.add_version())
        deploy(stack)
    stack.sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Rejected")
    assert rejected(stack) == []
    assert served(stack) == stack.names.model_version(stack.model, 1)
    changed(stack)
    reference = stack.s3.get_object(Bucket=lake, Key=s3_layout.reference_profile_key(stack.model))["Body"].read()
    assert reference == b"profile of 1"


def test_a_rejected_version_that_is_not_served_changes_nothing(stack: LambdaStack) -> None:
    stack.add_version()
    config = deploy(stack)
    stack.add_version(approval="Rejected")
    assert rejected(stack) == []
    assert at_rest(stack)["EndpointConfigName"] == config
