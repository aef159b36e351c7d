"""Small Pulumi programs in a folder of their own, for the local engine to run."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.engine import Engine, Step, Summary

STACK = "local"
_SERVICES = (
    "cloudwatch",
    "dynamodb",
    "ecr",
    "events",
    "glue",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "scheduler",
    "sfn",
    "sns",
    "sqs",
    "ssm",
    "sts",
)


@dataclass
class StackFolder:
    """A project with one stack; `program` replaces its program, `up()` and the others run it."""

    root: Path
    url: str

    def program(self, source: str) -> "StackFolder":
        (self.root / "__main__.py").write_text("import pulumi\nimport pulumi_aws as aws\n" + textwrap.dedent(source))
        return self

    @property
    def state_file(self) -> Path:
        return self.root / "state.json"

    def engine(self, steps: list[Step] | None = None) -> Engine:
        told = steps if steps is not None else []
        return Engine(self.root, STACK, self.state_file, self.url, told.append)

    def up(self, steps: list[Step] | None = None) -> Summary:
        return self.engine(steps).up()

    def preview(self, steps: list[Step] | None = None) -> Summary:
        return self.engine(steps).preview()

    def refresh(self) -> Summary:
        return self.engine().refresh()

    def destroy(self) -> Summary:
        return self.engine().destroy()


def make_stack_folder(root: Path, url: str, config: dict[str, Any] | None = None) -> StackFolder:
    (root / "stacks").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: small\nruntime: python\nstackConfigDir: stacks\n")
    endpoints = "".join(f"\n      {service}: http://127.0.0.1:1" for service in _SERVICES)
    lines = "".join(f"\n  {key}: {value}" for key, value in (config or {}).items())
    (root / f"stacks/Pulumi.{STACK}.yaml").write_text(
        f"config:\n  aws:region: us-east-1\n  aws:endpoints:\n    - {endpoints.strip()}{lines}\n"
    )
    return StackFolder(root, url)
