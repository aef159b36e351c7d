"""What `comal doctor` finds of an account."""

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError, NoCredentialsError

from comal.cli.checkup import OK, PROBLEM, WARNING, account_findings, stack_findings
from comal.cli.repository import find_repository
from comal.cli.target import Target


@dataclass
class FakeAccount:
    """STS and Service Quotas with given answers; an answer that is an error is raised."""

    identity: Any
    quotas: Any
    region: str = "eu-west-1"

    def client(self, service: str) -> "FakeAccount":
        return self

    def get_caller_identity(self) -> Any:
        if isinstance(self.identity, Exception):
            raise self.identity
        return self.identity

    def get_paginator(self, operation: str) -> "FakeAccount":
        return self

    def paginate(self, ServiceCode: str) -> list[Any]:  # noqa: N803 (boto3's own name)
        if isinstance(self.quotas, Exception):
            raise self.quotas
        return [{"Quotas": [{"QuotaName": name, "Value": value} for name, value in self.quotas.items()]}]


WHO = {"Arn": "arn:aws:iam::123456789012:user/ana"}
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListServiceQuotas")


@pytest.fixture
def findings(clone):
    document = yaml.safe_load((clone / "recipes/tacos.yaml").read_text())
    document |= {"model": "tacos-gpu", "training": {"instance": "ml.g5.xlarge", "spot": True}}
    (clone / "recipes/tacos-gpu.yaml").write_text(yaml.safe_dump(document))

    def look(identity: Any = WHO, quotas: Any = ()) -> dict[str, Any]:
        target = Target(find_repository(), "dev", FakeAccount(identity, quotas))
        return {finding.check: finding for finding in account_findings(target)}

    return look


def test_without_credentials_nothing_else_is_asked(findings):
    found = findings(identity=NoCredentialsError())
    assert list(found) == ["credentials"]
    assert found["credentials"].state == PROBLEM


def test_a_gpu_quota_of_zero_is_a_problem_that_names_the_quota(findings):
    found = findings(quotas={"ml.g5.xlarge for spot training job usage": 0.0})
    assert found["credentials"].state == OK
    assert found["gpu quota of tacos-gpu"].state == PROBLEM
    assert "ml.g5.xlarge for spot training job usage" in found["gpu quota of tacos-gpu"].next_step


def test_a_gpu_quota_of_one_is_enough(findings):
    assert findings(quotas={"ml.g5.xlarge for spot training job usage": 1.0})["gpu quota of tacos-gpu"].state == OK


def test_quotas_that_cannot_be_read_are_a_warning(findings):
    assert findings(quotas=DENIED)["gpu quota of tacos-gpu"].state == WARNING


def test_a_stack_without_a_region_is_a_row(clone, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (clone / "stacks/Pulumi.far.yaml").write_text("config: {}\n")
    (finding,) = stack_findings("far")
    assert (finding.check, finding.state) == ("stack", PROBLEM)
    assert "region" in finding.found
    assert "pulumi config set aws:region" in finding.next_step
