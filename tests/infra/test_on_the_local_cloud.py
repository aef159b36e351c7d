"""The real program on the local cloud: it comes up, changes in place, and leaves nothing."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from localcloud.engine import Engine, Step, Summary
from tests.e2e.inventory import inventory
from tests.infra.program import REPOSITORY
from tests.running_cloud import RunningCloud, start_cloud, stop_cloud

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # importing pulumi_aws warns of its own old names


@dataclass(frozen=True)
class LocalStack:
    """The stack `local` with settings of its own, in a project folder beside the repository."""

    root: Path
    cloud: RunningCloud

    def set(self, **settings: object) -> None:
        path = self.root / "stacks/Pulumi.local.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"] |= {f"comal:{key}": value for key, value in settings.items()}
        path.write_text(yaml.safe_dump(document))

    def run(self, operation: str) -> tuple[Summary, list[Step]]:
        steps: list[Step] = []
        engine = Engine(self.root, "local", self.root / "state.json", self.cloud.url, steps.append)
        summary: Summary = getattr(engine, operation)()
        assert not summary.failures
        return summary, [step for step in steps if step.operation != "same"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(REPOSITORY / "stacks", root / "stacks")
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
    (root / "Pulumi.yaml").write_text(yaml.safe_dump(project | {"main": str(REPOSITORY / "infra")}))
    cloud = start_cloud(root / "cloud")
    yield LocalStack(root, cloud)
    stop_cloud(cloud)


def test_the_mvp_comes_up(stack):
    stack.set(components=["data", "training", "registry", "serving"], models=["tacos"])
    summary, steps = stack.run("up")
    assert {step.operation for step in steps} == {"create"}
    assert summary.outputs["next_step"].startswith("Push data: comal push tacos")


def test_a_second_up_changes_nothing(stack):
    _, steps = stack.run("up")
    assert not steps


def test_one_setting_changes_only_what_it_is_about(stack):
    stack.set(logRetentionDays=3)
    _, steps = stack.run("up")
    assert {(step.operation, step.type.rsplit(":", 1)[-1], step.changed) for step in steps} == {
        ("update", "LogGroup", ("retentionInDays",))
    }


def test_continuous_training_is_switched_on_and_nothing_is_replaced(stack):
    stack.set(components=["data", "training", "registry", "serving", "continuous_training"])
    _, steps = stack.run("up")
    assert {step.operation for step in steps} == {"create"}
    assert {step.name for step in steps} >= {"request_training-validated", "tacos-retrain"}


def test_the_deployed_recipe_has_a_version_to_pin(stack):
    bucket = "comal-local-lake-000000000000-us-east-1"
    answer = stack.cloud.client("s3").get_object(Bucket=bucket, Key="recipes/tacos.json")
    assert answer["VersionId"] not in {"", "null"}


def test_destroy_leaves_nothing(stack):
    stack.cloud.client("s3").put_object(
        Bucket="comal-local-models-000000000000-us-east-1", Key="tacos/runs/1/left-over", Body=b"x"
    )
    stack.run("destroy")
    assert inventory(stack.cloud.client) == {}
