"""The edge over real HTTP: our own services plug in behind SigV4 and IAM, everything else reaches MiniStack."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.localcloud.resources import create_role
from tests.running_cloud import ACCOUNT, REGION, RunningCloud

PASSED_ROLE = f"arn:aws:iam::{ACCOUNT}:role/any-role-name"


def assume_role(echo: RunningCloud, name: str, actions: list[str], resource: str) -> dict[str, str]:
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": PASSED_ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    arn = create_role(echo, name, [{"Effect": "Allow", "Action": actions, "Resource": resource}, passing])
    keys = echo.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return {"access_key": keys["AccessKeyId"], "secret_key": keys["SecretAccessKey"], "token": keys["SessionToken"]}


def create_training_job(client: Any, name: str, role_arn: str = PASSED_ROLE) -> dict[str, Any]:
    answer: dict[str, Any] = client.create_training_job(
        TrainingJobName=name,
        RoleArn=role_arn,
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://bucket/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    return answer


def test_a_json_call_reaches_our_service_with_account_and_region(echo: RunningCloud) -> None:
    answer = create_training_job(echo.client("sagemaker"), "first")
    assert answer["TrainingJobArn"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/first"


def test_an_endpoint_invocation_reaches_our_runtime_service_as_bytes(echo: RunningCloud) -> None:
    answer = echo.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="tacos", Body=b"\x00\xff", ContentType="application/x-any"
    )
    assert answer["Body"].read() == b"echo:\x00\xff"
    assert answer["ContentType"] == "application/x-any"


def test_an_error_of_our_service_arrives_as_the_client_error_of_that_code(echo: RunningCloud) -> None:
    with pytest.raises(ClientError, match="Requested resource not found") as caught:
        echo.client("sagemaker").describe_training_job(TrainingJobName="none")
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_a_fault_of_our_service_is_an_internal_failure(echo: RunningCloud) -> None:
    request = urllib.request.Request(
        echo.url,
        data=b"{}",
        headers={
            "X-Amz-Target": "SageMaker.ListModels",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/sagemaker/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as response:
        assert response.code == 500
        assert json.loads(response.read())["__type"] == "InternalFailure"


def test_a_call_that_is_not_ours_reaches_ministack(echo: RunningCloud) -> None:
    s3 = echo.client("s3")
    s3.create_bucket(Bucket="endpoints")
    s3.put_object(Bucket="endpoints", Key="tacos/invocations", Body=b"an object, not an endpoint")
    body = s3.get_object(Bucket="endpoints", Key="tacos/invocations")["Body"].read()
    assert body == b"an object, not an endpoint"


def test_a_role_may_do_what_its_policy_allows_and_nothing_else(echo: RunningCloud) -> None:
    resource = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/mine-*"
    keys = assume_role(echo, "trainer", ["sagemaker:CreateTrainingJob"], resource)
    client = echo.client("sagemaker", **keys)
    assert create_training_job(client, "mine-1")["TrainingJobArn"].endswith("mine-1")
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:CreateTrainingJob") as caught:
        create_training_job(client, "yours-1")
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    with pytest.raises(ClientError, match="sagemaker:InvokeEndpoint"):
        echo.client("sagemaker-runtime", **keys).invoke_endpoint(EndpointName="tacos", Body=b"")


def test_a_role_may_hand_over_only_the_roles_that_it_may_pass(echo: RunningCloud) -> None:
    client = echo.client("sagemaker", **assume_role(echo, "passer", ["sagemaker:CreateTrainingJob"], "*"))
    assert create_training_job(client, "passed")
    with pytest.raises(ClientError, match=r"not authorized to perform: iam:PassRole on resource: .*:role/admin"):
        create_training_job(client, "not-passed", f"arn:aws:iam::{ACCOUNT}:role/admin")


def test_a_wrong_secret_is_refused_before_any_policy(echo: RunningCloud) -> None:
    keys = assume_role(echo, "forger", ["sagemaker:*"], "*")
    client = echo.client("sagemaker", keys["access_key"], "not the secret", keys["token"])
    with pytest.raises(ClientError) as caught:
        create_training_job(client, "forged")
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_an_unsigned_call_and_an_unknown_key_are_refused(echo: RunningCloud) -> None:
    request = urllib.request.Request(f"{echo.url}/endpoints/tacos/invocations", data=b"x", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as response:
        assert json.loads(response.read())["__type"] == "MissingAuthenticationTokenException"
    with pytest.raises(ClientError, match="security token"):
        create_training_job(echo.client("sagemaker", "AKIAUNKNOWN", "secret"), "unknown")


def test_a_body_over_the_limit_is_refused_before_it_is_read(echo: RunningCloud) -> None:
    client = echo.client("sagemaker-runtime")
    with pytest.raises(ClientError) as caught:
        client.invoke_endpoint(EndpointName="tacos", Body=b"x" * (25 * 1024 * 1024 + 1))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_web_page_can_neither_reset_the_cloud_nor_move_its_clock(echo: RunningCloud) -> None:
    for path in ("/_ministack/reset", "/_localcloud/clock"):
        headers = {"Origin": "https://example.com"}
        request = urllib.request.Request(echo.url + path, data=b"{}", headers=headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as response:
            assert response.code == 403


def test_an_unknown_page_names_the_known_ones(echo: RunningCloud) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{echo.url}/_localcloud/none")
    with caught.value as response:
        assert "There are: calls, clock" in json.loads(response.read())["message"]
