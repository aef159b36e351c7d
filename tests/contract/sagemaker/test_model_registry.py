from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.conftest import TOY_IMAGE, Setup, refusal


@pytest.fixture
def group(setup: Setup) -> str:
    name = f"group-{uuid4().hex[:8]}"
    setup.sagemaker.create_model_package_group(
        ModelPackageGroupName=name, ModelPackageGroupDescription="toys", Tags=[{"Key": "team", "Value": "toys"}]
    )
    return name


def register(setup: Setup, group: str, **changes: Any) -> str:
    container = {"Image": TOY_IMAGE, "ModelDataUrl": "s3://toys/model.tar.gz"}
    request = {
        "ModelPackageGroupName": group,
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "CustomerMetadataProperties": {"run_id": "r1"},
    }
    arn: str = setup.sagemaker.create_model_package(**request | changes)["ModelPackageArn"]
    return arn


def test_a_group_numbers_its_packages_and_never_gives_a_number_twice(setup: Setup, group: str) -> None:
    first, second = register(setup, group), register(setup, group)
    assert first.endswith(f":model-package/{group}/1")
    assert second.endswith(f":model-package/{group}/2")
    setup.sagemaker.delete_model_package(ModelPackageName=second)
    assert register(setup, group).endswith("/3")


def test_a_package_is_described_by_its_arn(setup: Setup, group: str) -> None:
    package = setup.sagemaker.describe_model_package(ModelPackageName=register(setup, group))
    assert package["ModelPackageGroupName"] == group
    assert package["ModelPackageVersion"] == 1
    assert package["ModelPackageStatus"] == "Completed"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["CustomerMetadataProperties"] == {"run_id": "r1"}
    assert package["InferenceSpecification"]["Containers"][0]["Image"] == TOY_IMAGE


def test_approval_and_metadata_can_be_changed(setup: Setup, group: str) -> None:
    arn = register(setup, group)
    setup.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better",
        CustomerMetadataProperties={"reviewer": "ana"},
        CustomerMetadataPropertiesToRemove=["run_id"],
    )
    package = setup.sagemaker.describe_model_package(ModelPackageName=arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "better")
    assert package["CustomerMetadataProperties"] == {"reviewer": "ana"}


def test_creation_and_approval_are_events_in_awss_shape(setup: Setup, group: str) -> None:
    arn = register(setup, group)
    setup.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")

    def of_package(heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [event for event in heard if event["resources"] == [arn]]

    created, rejected = of_package(setup.events(lambda heard: len(of_package(heard)) == 2))
    assert created["detail-type"] == rejected["detail-type"] == "SageMaker Model Package State Change"
    assert created["detail"]["ModelApprovalStatus"] == "PendingManualApproval"
    detail = rejected["detail"]
    wanted = {
        "ModelPackageGroupName": group,
        "ModelPackageVersion": 1,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Rejected",
    }
    assert wanted.items() <= detail.items()
    assert detail["CreationTime"].endswith("Z")


def test_packages_are_listed_by_group_approval_and_time(setup: Setup, group: str) -> None:
    arns = [register(setup, group) for _ in range(3)]
    setup.sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved")

    def listed(**filters: Any) -> list[int]:
        pages = setup.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, **filters)
        return [package["ModelPackageVersion"] for page in pages for package in page["ModelPackageSummaryList"]]

    assert listed() == [1, 2, 3]
    assert listed(SortBy="CreationTime", SortOrder="Descending", MaxResults=1) == [3, 2, 1]
    assert listed(ModelApprovalStatus="Approved") == [2]


def test_a_group_with_packages_is_not_deleted(setup: Setup, group: str) -> None:
    arn = register(setup, group)
    assert refusal(setup.sagemaker.delete_model_package_group, ModelPackageGroupName=group)[0] == "ConflictException"
    setup.sagemaker.delete_model_package(ModelPackageName=arn)
    setup.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    code, message = refusal(setup.sagemaker.describe_model_package_group, ModelPackageGroupName=group)
    assert code == "ValidationException"
    assert message.endswith(f":model-package-group/{group} does not exist.")


def test_several_packages_are_described_at_once(setup: Setup, group: str) -> None:
    arn = register(setup, group)
    missing = arn[:-1] + "9"
    answer = setup.sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, missing])
    assert answer["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    assert answer["BatchDescribeModelPackageErrorMap"][missing]["ErrorCode"] == "ValidationException"


def test_a_package_of_a_group_takes_no_tags_of_its_own(setup: Setup, group: str) -> None:
    with pytest.raises(ClientError, match="it uses the group's tags"):
        register(setup, group, Tags=[{"Key": "team", "Value": "toys"}])


def test_a_group_may_be_named_by_its_arn(setup: Setup, group: str) -> None:
    arn = setup.sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    assert setup.sagemaker.describe_model_package_group(ModelPackageGroupName=arn)["ModelPackageGroupName"] == group
    register(setup, arn)
    assert len(setup.sagemaker.list_model_packages(ModelPackageGroupName=arn)["ModelPackageSummaryList"]) == 1


def test_a_package_needs_a_group_that_exists(setup: Setup) -> None:
    code, message = refusal(setup.sagemaker.create_model_package, ModelPackageGroupName="no-such-group")
    assert code == "ValidationException"
    assert "no-such-group does not exist" in message


def test_metadata_takes_awss_characters_and_no_others(setup: Setup, group: str) -> None:
    metadata = {"rmse": "1.5e-3", "expires_at": "2026-01-01T00:00:00Z", "reviewer": "ana@example.com +1"}
    arn = register(setup, group, CustomerMetadataProperties=metadata)
    assert setup.sagemaker.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"] == metadata
    with pytest.raises(ClientError, match="failed to satisfy constraint: Member must satisfy regular expression"):
        register(setup, group, CustomerMetadataProperties={"metrics": '{"rmse": 1.5}'})
