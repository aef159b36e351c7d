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
    target.client("sagemaker").create_model_package_group(ModelPackageGroupName=target.names.of_model(MODEL))
    for _ in range(3):
        register(target)
    return target


def register(target: Target) -> None:
    target.client("sagemaker").create_model_package(
        ModelPackageGroupName=target.names.of_model(MODEL),
        InferenceSpecification={
            "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": "s3://models/model.tar.gz"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelApprovalStatus="Approved",
    )


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


def test_each_rollback_goes_one_promotion_further_back(target: Target) -> None:
    assert promote(target, 2) == [3]
    assert promote(target, 1) == [2]
    assert go_back(target, MODEL, "complaints") == (2, 1)
    assert go_back(target, MODEL, "more complaints") == (3, 2)
    assert champion(target) == 3


def test_a_promotion_that_was_undone_and_done_again_is_undone_as_before(target: Target) -> None:
    promote(target, 2)
    promote(target, 1)
    go_back(target, MODEL, "complaints")
    promote(target, 1)
    assert approve(target, MODEL, version_named(target, MODEL, 1), "once more") == []
    assert go_back(target, MODEL, "complaints") == (2, 1)
    assert approve(target, MODEL, version_named(target, MODEL, 2), "once more") == []
    assert go_back(target, MODEL, "complaints") == (3, 2)


def test_a_rollback_from_a_newer_version_leaves_what_the_one_before_was_promoted_over(target: Target) -> None:
    promote(target, 1)
    register(target)
    assert go_back(target, MODEL, "complaints") == (1, 4)
    assert go_back(target, MODEL, "complaints") == (3, 1)


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
