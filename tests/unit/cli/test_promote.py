"""What a person says of a version, as the registry keeps it and `comal` prints it."""

import getpass
import json
from typing import Any

import pytest

from comal.registry import REJECTED
from tests.running_cloud import IMAGE_URI
from tests.unit.cli.conftest import Account, Comal

MODEL = "tacos"
WHO = getpass.getuser()


@pytest.fixture
def registered(account: Account) -> Account:
    """An account with version 1 of the model, which waits for a verdict."""
    sagemaker, group = account.target.client("sagemaker"), account.target.names.of_model(MODEL)
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": "s3://models/model.tar.gz"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelApprovalStatus="PendingManualApproval",
    )
    return account


def package(account: Account) -> dict[str, Any]:
    sagemaker, group = account.target.client("sagemaker"), account.target.names.of_model(MODEL)
    (summary,) = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    described: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
    return described


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("no good | before: hacker", "no good / before: hacker"),
        ("no good |\n before: hacker", "no good / before: hacker"),
        ("\x1b[31mno\x1b[0m\ngood\r\n\u202e", "[31mno [0m good"),
    ],
)
def test_what_a_person_says_is_one_line_and_no_other_reason(
    registered: Account, comal: Comal, said: str, kept: str
) -> None:
    done = comal("reject", MODEL, "1", "--why", said, "-s", registered.stack)
    assert f"Version 1 of tacos is Rejected: rejected by {WHO}: {kept}\n" in done.stdout
    described = package(registered)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == (
        REJECTED,
        f"rejected by {WHO}: {kept}",
    )


def test_a_description_from_elsewhere_is_printed_in_one_line(registered: Account, comal: Comal) -> None:
    registered.target.client("sagemaker").update_model_package(
        ModelPackageArn=package(registered)["ModelPackageArn"],
        ModelApprovalStatus="Rejected",
        ApprovalDescription="\x1b[2Jclicked\nin Studio",
    )
    (row,) = json.loads(comal("models", MODEL, "--json", "-s", registered.stack).stdout)
    assert row["why"] == "[2Jclicked in Studio"


@pytest.mark.parametrize(
    ("said", "complaint"), [(" \x1b\n", "--why is empty"), ("x" * 401, "--why has 401 characters, and 400 are kept")]
)
def test_a_why_that_says_nothing_or_too_much_is_refused(
    registered: Account, comal: Comal, said: str, complaint: str
) -> None:
    refused = comal("promote", MODEL, "1", "--why", said, "-s", registered.stack)
    assert refused.exit_code == 2
    assert complaint in refused.stderr
