"""Verdicts of a person, one after the other, on three versions in a registry: each goes to the one that was before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from comal.cli.repository import Repository
from comal.cli.target import Target
from comal.cli.verdict import approve, go_back, reject, version_named
from comal.cli.versions import champion_of, versions_of
from comal.clients import Connection
from tests.running_cloud import IMAGE_URI, REGION, RunningCloud, start_cloud, stop_cloud

MODEL = "tacos"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    running = start_cloud(tmp_path_factory.mktemp("verdicts"))
    yield running
    stop_cloud(running)


@pytest.fixture
def target(cloud: RunningCloud, request: pytest.FixtureRequest) -> Target:
    """A stack of its own with three approved versions."""
    connection = Connection(REGION, cloud.url, access_key="test", secret_key="test")
    target = Target(Repository(Path()), f"s{abs(hash(request.node.name)) % 10**6}", connection)
    sagemaker, group = target.client("sagemaker"), target.names.of_model(MODEL)
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    for _ in range(3):
        sagemaker.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification={
                "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": "s3://models/model.tar.gz"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelApprovalStatus="Approved",
        )
    return target


def promote(target: Target, version: int) -> list[int]:
    return approve(target, MODEL, version_named(target, MODEL, version), "looks right")


def take_out(target: Target, version: int) -> None:
    reject(target, MODEL, version_named(target, MODEL, version), "looks wrong")


def champion(target: Target) -> int:
    row = champion_of(versions_of(target, MODEL))
    assert row is not None
    return int(row["version"])


def test_a_rollback_undoes_a_promotion_over_newer_ones(target: Target) -> None:
    assert promote(target, 1) == [3, 2]
    assert go_back(target, MODEL, "complaints") == (3, 1)
    assert champion(target) == 3
    assert go_back(target, MODEL, "complaints") == (2, 3)


def test_a_verdict_that_changes_nothing_keeps_its_reason_and_what_a_rollback_undoes(target: Target) -> None:
    promote(target, 2)
    assert approve(target, MODEL, version_named(target, MODEL, 2), "once more") == []
    assert "once more | before: " in version_named(target, MODEL, 2)["why"]
    assert go_back(target, MODEL, "complaints") == (3, 2)
    take_out(target, 2)
    assert "looks wrong | before: " in version_named(target, MODEL, 2)["why"]


def test_what_made_way_for_an_earlier_promotion_is_not_what_was_before(target: Target) -> None:
    assert promote(target, 2) == [3]
    take_out(target, 2)
    assert champion(target) == 1
    assert promote(target, 2) == []
    assert go_back(target, MODEL, "complaints") == (1, 2)


def test_a_version_that_made_way_and_is_then_rejected_does_not_come_back(target: Target) -> None:
    promote(target, 2)
    take_out(target, 3)
    assert go_back(target, MODEL, "complaints") == (1, 2)
