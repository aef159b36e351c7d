import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.conftest import TOY_IMAGE, Setup, refusal, wait_for
from tests.contract.sagemaker.toy_endpoints import (
    MODEL_KEY,
    await_endpoint,
    delete_endpoint,
    invoke,
    make_config,
    make_endpoint,
    put_model,
)


@pytest.fixture(scope="module", autouse=True)
def model_data(setup: Setup) -> None:
    put_model(setup)


@pytest.fixture(scope="module")
def endpoint(setup: Setup) -> Iterator[str]:
    name = make_endpoint(setup, make_config(setup, TOY_VERSION="1"))
    assert await_endpoint(setup, name)["EndpointStatus"] == "InService"
    yield name
    delete_endpoint(setup, name)


def test_an_endpoint_serves_the_model_with_the_callers_headers(setup: Setup, endpoint: str) -> None:
    answer = setup.runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=b"1,2",
        ContentType="text/csv",
        Accept="application/json",
        CustomAttributes="trace=7",
        InferenceId="inference-1",
    )
    document = json.loads(answer["Body"].read())
    assert document["model"] == ["weights.json"]
    assert document["size"] == 3
    assert document["headers"]["content-type"] == "text/csv"
    assert document["headers"]["accept"] == "application/json"
    assert document["headers"]["x-amzn-sagemaker-custom-attributes"] == "trace=7"
    assert document["headers"]["x-amzn-sagemaker-inference-id"] == "inference-1"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    assert answer["CustomAttributes"] == "from-container"


def test_an_endpoint_is_described_with_what_runs(setup: Setup, endpoint: str) -> None:
    described = setup.sagemaker.describe_endpoint(EndpointName=endpoint)
    variant = described["ProductionVariants"][0]
    assert (variant["VariantName"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == ("AllTraffic", 1, 1.0)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == TOY_IMAGE
    assert setup.sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"][0]["EndpointStatus"] == "InService"


def test_a_containers_error_reaches_the_caller_as_a_model_error(setup: Setup, endpoint: str) -> None:
    with pytest.raises(setup.runtime.exceptions.ModelError) as caught:
        setup.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"bad")
    response = caught.value.response
    assert response["OriginalStatusCode"] == 422
    assert json.loads(response["OriginalMessage"])["row"] == 3
    assert response["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/{endpoint}")
    assert "Received client error (422) from primary with message" in str(caught.value)


def test_an_unknown_endpoint_and_variant_are_refused(setup: Setup, endpoint: str) -> None:
    code, message = refusal(setup.runtime.invoke_endpoint, EndpointName="nobody", Body=b"x")
    assert (code, message) == ("ValidationError", "Endpoint nobody of account 000000000000 not found.")
    code, message = refusal(setup.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x", TargetVariant="B")
    assert code == "ValidationError"


def test_a_body_over_six_megabytes_is_refused(setup: Setup, endpoint: str) -> None:
    assert invoke(setup, endpoint, bytes(6 * 1024 * 1024))["size"] == 6 * 1024 * 1024
    code, message = refusal(setup.runtime.invoke_endpoint, EndpointName=endpoint, Body=bytes(6 * 1024 * 1024 + 1))
    assert code == "ValidationError"
    assert "less than or equal to 6291456" in message


def test_a_serverless_endpoint_takes_four_megabytes(setup: Setup) -> None:
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 2}}
    name = make_endpoint(setup, make_config(setup, {"AllTraffic": serverless}))
    variant = await_endpoint(setup, name)["ProductionVariants"][0]
    assert variant["CurrentServerlessConfig"]["MemorySizeInMB"] == 2048
    assert invoke(setup, name)["size"] == 1
    code, _ = refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=bytes(4 * 1024 * 1024 + 1))
    assert code == "ValidationError"
    delete_endpoint(setup, name)


def test_variants_share_the_traffic_and_can_be_chosen(setup: Setup) -> None:
    usual = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = {"A": {**usual, "InitialVariantWeight": 1.0}, "B": {**usual, "InitialVariantWeight": 0.0}}
    name = make_endpoint(setup, make_config(setup, variants))
    await_endpoint(setup, name)
    for _ in range(5):
        answer = setup.runtime.invoke_endpoint(EndpointName=name, Body=b"x")
        assert answer["InvokedProductionVariant"] == "A"
    answer = setup.runtime.invoke_endpoint(EndpointName=name, Body=b"x", TargetVariant="B")
    assert answer["InvokedProductionVariant"] == "B"
    delete_endpoint(setup, name)


def test_an_update_loses_no_request(setup: Setup) -> None:
    two = {"AllTraffic": {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}}
    name = make_endpoint(setup, make_config(setup, two, TOY_VERSION="1"))
    await_endpoint(setup, name)
    versions: list[str] = []
    failures: list[Exception] = []
    ended = threading.Event()

    def call() -> None:
        while not ended.is_set():
            try:
                versions.append(invoke(setup, name, b"sleep 0.005")["version"])
            except ClientError as error:
                failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for version in ("2", "3"):
        config = make_config(setup, two, TOY_VERSION=version)
        setup.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
        assert await_endpoint(setup, name)["EndpointConfigName"] == config
    wait_for(lambda: versions[-1:] == ["3"], "the third version")
    ended.set()
    for caller in callers:
        caller.join()
    assert failures == []
    assert {"1", "2", "3"} <= set(versions)
    delete_endpoint(setup, name)


def test_an_update_that_does_not_start_leaves_the_old_one_serving(setup: Setup) -> None:
    good = make_config(setup, TOY_VERSION="1")
    name = make_endpoint(setup, good)
    await_endpoint(setup, name)
    bad = make_config(setup, TOY_START="fail")
    setup.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=bad)
    endpoint = await_endpoint(setup, name)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == good
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    assert "the model file is missing" in endpoint["FailureReason"]
    assert invoke(setup, name)["version"] == "1"
    setup.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=make_config(setup, TOY_VERSION="2"))
    assert "FailureReason" not in await_endpoint(setup, name)
    delete_endpoint(setup, name)


def test_an_endpoint_that_does_not_start_has_failed_and_says_why(setup: Setup) -> None:
    name = make_endpoint(setup, make_config(setup, TOY_START="fail"))
    endpoint = await_endpoint(setup, name)
    assert endpoint["EndpointStatus"] == "Failed"
    assert "the model file is missing" in endpoint["FailureReason"]
    code, _ = refusal(
        setup.sagemaker.update_endpoint, EndpointName=name, EndpointConfigName=endpoint["EndpointConfigName"]
    )
    assert code == "ValidationException"
    delete_endpoint(setup, name)


def test_an_endpoint_in_progress_is_not_touched(setup: Setup) -> None:
    config = make_config(setup)
    name = make_endpoint(setup, config)
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{name}"
    wanted = ("ValidationException", f'Cannot update in-progress endpoint "{arn}".')
    assert refusal(setup.sagemaker.update_endpoint, EndpointName=name, EndpointConfigName=config) == wanted
    assert refusal(setup.sagemaker.delete_endpoint, EndpointName=name) == wanted
    await_endpoint(setup, name)
    delete_endpoint(setup, name)


def test_states_are_events_with_awss_words(setup: Setup) -> None:
    name = make_endpoint(setup, make_config(setup))
    await_endpoint(setup, name)
    delete_endpoint(setup, name)

    def states(heard: list[dict[str, Any]]) -> list[str]:
        return [event["detail"]["EndpointStatus"] for event in heard if event["detail"].get("EndpointName") == name]

    heard = setup.events(lambda events: "DELETING" in states(events))
    assert states(heard) == ["CREATING", "IN_SERVICE", "DELETING"]
    event = next(event for event in heard if event["detail"].get("EndpointName") == name)
    assert event["detail-type"] == "SageMaker Endpoint State Change"
    assert event["detail"]["Tags"] == {"team": "toys"}
    assert isinstance(event["detail"]["CreationTime"], int)


def test_a_process_that_dies_is_started_again_and_no_later_call_fails(setup: Setup) -> None:
    name = make_endpoint(setup, make_config(setup, TOY_VERSION="1"))
    await_endpoint(setup, name)
    before = invoke(setup, name)["pid"]
    code, message = refusal(setup.runtime.invoke_endpoint, EndpointName=name, Body=b"die")
    assert code == "ModelError"
    assert "The container ended before it answered" in message
    assert invoke(setup, name)["pid"] != before
    delete_endpoint(setup, name)


def test_what_the_server_prints_is_in_cloudwatch_logs(setup: Setup, endpoint: str) -> None:
    logs = setup.cloud.client("logs")
    group = f"/aws/sagemaker/Endpoints/{endpoint}"

    def printed() -> bool:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except ClientError:
            return False
        return any("toy 1 starts" in event["message"] for event in events)

    wait_for(printed, "the server's first line")


def test_a_model_needs_data_that_its_role_can_read(setup: Setup) -> None:
    def create(key: str, role: str) -> tuple[str, str]:
        container = {"Image": TOY_IMAGE, "ModelDataUrl": f"s3://{setup.bucket}/{key}"}
        return refusal(
            setup.sagemaker.create_model, ModelName="nothing", ExecutionRoleArn=role, PrimaryContainer=container
        )

    code, message = create("models/none.tar.gz", setup.role)
    assert (code, message) == (
        "ValidationException",
        "Could not find model data at s3://toys/models/none.tar.gz.",
    )
    role = setup.make_role("serve-no-s3", [])
    code, message = create(MODEL_KEY, role)
    assert message.startswith(f"Could not access model data at s3://toys/{MODEL_KEY}. Please ensure that the role")


def test_a_model_package_stands_for_its_container(setup: Setup) -> None:
    group = f"packaged-{uuid4().hex[:8]}"
    setup.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    container = {"Image": TOY_IMAGE, "ModelDataUrl": f"s3://{setup.bucket}/{MODEL_KEY}"}
    package = setup.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    primary = {"ModelPackageName": package, "Environment": {"TOY_VERSION": "packaged"}}
    setup.sagemaker.create_model(ModelName=group, ExecutionRoleArn=setup.role, PrimaryContainer=primary)
    variant = {"VariantName": "AllTraffic", "ModelName": group, "InstanceType": "ml.m5.large"}
    setup.sagemaker.create_endpoint_config(
        EndpointConfigName=group, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    name = make_endpoint(setup, group)
    await_endpoint(setup, name)
    assert invoke(setup, name)["version"] == "packaged"
    delete_endpoint(setup, name)


def test_models_and_configurations_are_listed_and_deleted(setup: Setup) -> None:
    name = make_config(setup)
    assert setup.sagemaker.list_models(NameContains=name)["Models"][0]["ModelName"] == name
    assert setup.sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"][0]["EndpointConfigArn"]
    setup.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    setup.sagemaker.delete_model(ModelName=name)
    assert setup.sagemaker.list_models(NameContains=name)["Models"] == []
    assert setup.sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"] == []


def test_calls_that_are_slow_do_not_hold_up_the_others(setup: Setup, endpoint: str) -> None:
    slow = threading.Thread(target=invoke, args=(setup, endpoint, b"sleep 1.5"))
    slow.start()
    started = time.monotonic()
    for _ in range(10):
        invoke(setup, endpoint)
    assert slow.is_alive(), f"ten calls took {time.monotonic() - started} s"
    slow.join()
