import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from tests.contract.sagemaker.conftest import Setup, refusal


def make_groups(setup: Setup, count: int) -> str:
    stem = f"many-{uuid4().hex[:8]}"
    for number in range(count):
        setup.sagemaker.create_model_package_group(ModelPackageGroupName=f"{stem}-{number}")
    return stem


def test_lists_come_in_pages_that_neither_repeat_nor_skip(setup: Setup) -> None:
    stem = make_groups(setup, 5)
    pages = list(
        setup.sagemaker.get_paginator("list_model_package_groups").paginate(
            NameContains=stem, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["ModelPackageGroupSummaryList"]) for page in pages] == [2, 2, 1]
    names = [group["ModelPackageGroupName"] for page in pages for group in page["ModelPackageGroupSummaryList"]]
    assert names == [f"{stem}-{number}" for number in range(5)]


def test_lists_sort_by_name_in_both_directions_and_filter_by_time(setup: Setup) -> None:
    stem = make_groups(setup, 3)
    answer = setup.sagemaker.list_model_package_groups(NameContains=stem, SortBy="Name", SortOrder="Descending")
    names = [group["ModelPackageGroupName"] for group in answer["ModelPackageGroupSummaryList"]]
    assert names == [f"{stem}-2", f"{stem}-1", f"{stem}-0"]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = setup.sagemaker.list_model_package_groups(NameContains=stem, CreationTimeAfter=tomorrow)
    assert later["ModelPackageGroupSummaryList"] == []


def test_a_foreign_token_is_refused(setup: Setup) -> None:
    code, message = refusal(setup.sagemaker.list_models, NextToken="bm8=")
    assert (code, message) == ("ValidationException", "The token you provided is not valid.")


def test_training_jobs_are_listed_newest_last_and_by_status(setup: Setup) -> None:
    first, second = setup.train(), setup.train("fail")
    setup.await_job(first)
    setup.await_job(second)
    jobs = setup.sagemaker.list_training_jobs(StatusEquals="Failed", SortOrder="Descending", MaxResults=1)
    assert jobs["TrainingJobSummaries"][0]["TrainingJobName"] == second
    assert setup.sagemaker.list_training_jobs(NameContains=first)["TrainingJobSummaries"][0]["TrainingJobArn"]


def test_tags_are_added_changed_listed_and_removed(setup: Setup) -> None:
    stem = make_groups(setup, 1)
    arn = setup.sagemaker.describe_model_package_group(ModelPackageGroupName=f"{stem}-0")["ModelPackageGroupArn"]
    setup.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    setup.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    assert setup.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
        {"Key": "a", "Value": "3"},
        {"Key": "b", "Value": "2"},
    ]
    setup.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert setup.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


@pytest.mark.parametrize(
    ("operation", "arguments", "message"),
    [
        ("describe_training_job", {"TrainingJobName": "no"}, "Requested resource not found."),
        ("stop_training_job", {"TrainingJobName": "no"}, "Requested resource not found."),
        (
            "describe_model",
            {"ModelName": "no"},
            'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/no".',
        ),
        (
            "delete_model",
            {"ModelName": "no"},
            'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/no".',
        ),
        (
            "describe_endpoint",
            {"EndpointName": "no"},
            'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/no".',
        ),
        (
            "delete_endpoint",
            {"EndpointName": "no"},
            'Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/no".',
        ),
        (
            "describe_endpoint_config",
            {"EndpointConfigName": "no"},
            'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/no".',
        ),
        (
            "create_endpoint",
            {"EndpointName": "e", "EndpointConfigName": "no"},
            'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/no".',
        ),
    ],
)
def test_what_is_not_there_is_refused_in_awss_words(
    setup: Setup, operation: str, arguments: dict[str, str], message: str
) -> None:
    assert refusal(getattr(setup.sagemaker, operation), **arguments) == ("ValidationException", message)


def test_all_violations_of_the_api_are_named_at_once(setup: Setup) -> None:
    session = Session()
    lenient = session.create_client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=setup.cloud.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False),
    )
    request = setup.training_request(TrainingJobName="-bad-", StoppingCondition={"MaxRuntimeInSeconds": 0})
    del request["RoleArn"]
    with pytest.raises(ClientError) as caught:
        lenient.create_training_job(**request)
    message = caught.value.response["Error"]["Message"]
    assert message.startswith("3 validation errors detected: ")
    assert "Value null at 'roleArn' failed to satisfy constraint: Member must not be null" in message
    assert "Value '-bad-' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular" in message
    assert (
        "Value '0' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have" in message
    )


def test_an_operation_that_is_not_there_is_refused(setup: Setup) -> None:
    code, message = refusal(setup.sagemaker.list_domains)
    assert (code, message) == ("UnknownOperationException", "The local SageMaker has no ListDomains.")


def test_an_unsigned_call_is_refused(setup: Setup) -> None:
    body = json.dumps({}).encode()
    request = urllib.request.Request(setup.cloud.url, body, {"X-Amz-Target": "SageMaker.ListModels"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code in (400, 403)
    caught.value.close()
