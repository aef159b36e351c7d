"""A clone in a temporary folder, the command line on it, and an account on the running local cloud."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from comal.cli.main import app
from comal.cli.target import Target, open_target
from comal.recipe import Recipe
from tests.running_cloud import REGION, RunningCloud

Comal = Callable[..., Result]
RECIPE = {
    "model": "tacos",
    "task": "regression",
    "target": "minutes_to_serve",
    "features": {"basket_size": {"type": "integer", "min": 1}, "store": {"type": "category", "values": ["centro"]}},
}
_numbers = itertools.count(1)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one recipe and the stacks local and dev; we are inside it."""
    root = tmp_path / "clone"
    for folder in ("recipes", "stacks"):
        (root / folder).mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: comal\nruntime: python\n")
    (root / "recipes/tacos.yaml").write_text(yaml.safe_dump(RECIPE))
    local = {"config": {"aws:region": REGION, "aws:accessKey": "test", "aws:secretKey": "test"}}
    (root / "stacks/Pulumi.local.yaml").write_text(yaml.safe_dump(local))
    (root / "stacks/Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": {"aws:region": "eu-west-1"}}))
    monkeypatch.chdir(root)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    return root


@pytest.fixture
def comal() -> Comal:
    """Runs a command line, as a person would type it."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


@dataclass(frozen=True)
class Account:
    """A stack of its own on the running local cloud, with the data component's buckets and tables."""

    target: Target

    @property
    def stack(self) -> str:
        return self.target.stack

    def put_batch(self, model: str, batch_id: str, **columns: str | int | list[str]) -> None:
        """What validate_batch writes of a batch."""
        row = {"pk": model, "sk": f"batch#{batch_id}", **columns}
        self.target.client("dynamodb").put_item(
            TableName=self.target.names.shared("batches"), Item={name: attribute(value) for name, value in row.items()}
        )


def attribute(value: str | int | list[str]) -> dict[str, object]:
    if isinstance(value, list):
        return {"L": [attribute(element) for element in value]}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


@pytest.fixture
def account(clone: Path, cloud: RunningCloud) -> Account:
    """The stack `t<number>`: its file names the running local cloud for every service."""
    stack = f"t{next(_numbers)}"
    services = ("dynamodb", "events", "iam", "logs", "s3", "sagemaker", "sqs", "sts", "stepfunctions")
    config = {
        "aws:region": REGION,
        "aws:accessKey": "test",
        "aws:secretKey": "test",
        "aws:endpoints": [dict.fromkeys(services, cloud.url)],
    }
    (clone / f"stacks/Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
    target = open_target(stack)
    for kind in ("landing", "lake"):
        target.client("s3").create_bucket(Bucket=target.names.bucket(kind))
    for table in ("batches", "retraining"):
        target.client("dynamodb").create_table(
            TableName=target.names.shared(table),
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
    recipe = Recipe.model_validate(RECIPE)
    target.client("s3").put_object(
        Bucket=target.names.bucket("lake"), Key="recipes/tacos.json", Body=recipe.model_dump_json().encode()
    )
    return Account(target)
