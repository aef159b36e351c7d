"""The Pulumi program's resources, as a recording engine saw them in a process of its own."""

import functools
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
REGION = "eu-west-1"
IMAGE_URI = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/comal-dev-training:v1"
ALL = (
    "data",
    "training",
    "registry",
    "serving",
    "continuous_training",
    "monitoring",
    "batch_serving",
    "feature_store",
    "experiments",
)


@dataclass(frozen=True)
class Resource:
    """One registered resource; inputs as the provider gets them (camelCase)."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    dependencies: frozenset[str]
    retained: bool

    @property
    def is_component(self) -> bool:
        return not self.type.startswith("aws:")


@dataclass
class Program:
    """What one evaluation of the program registered."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of_type(self, suffix: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type.endswith(f":{suffix}")]

    def named(self, suffix: str, name: str) -> Resource:
        (found,) = [resource for resource in self.of_type(suffix) if resource.name == name]
        return found

    @property
    def urns(self) -> set[str]:
        return {resource.urn for resource in self.resources}

    def needed_by(self, urn: str) -> set[str]:
        """URNs that a resource depends on, directly or not."""
        direct = {resource.urn: resource.dependencies for resource in self.resources}
        found: set[str] = set()
        todo = [urn]
        while todo:
            fresh = direct.get(todo.pop(), frozenset()) - found
            found |= fresh
            todo.extend(fresh)
        return found

    @property
    def by_urn(self) -> dict[str, Resource]:
        return {resource.urn: resource for resource in self.resources}


class ProgramError(Exception):
    """The program ended with an error; holds what it wrote."""


@functools.cache
def evaluate(stack_name: str = "dev", **settings: Any) -> Program:
    """Evaluates infra/__main__.py with a stack's values.

    Args:
        stack_name: A stack of stacks/.
        settings: Values of the project's namespace on top of the file's; lists as tuples.

    Raises:
        ProgramError: The program refused.
    """
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
    values = {key: value["default"] for key, value in project["config"].items()}
    values |= yaml.safe_load((REPOSITORY / f"stacks/Pulumi.{stack_name}.yaml").read_text())["config"]
    values |= {"comal:layerPath": ".comal/layers/local"}
    values |= {f"comal:{key}": value for key, value in settings.items()}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.infra.recording_engine"],
        input=json.dumps({"project": project["name"], "stack": stack_name, "values": texts}),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProgramError(done.stderr)
    recorded = json.loads(done.stdout)
    resources = [
        Resource(**{**resource, "dependencies": frozenset(resource["dependencies"])})
        for resource in recorded["resources"]
    ]
    return Program(resources, recorded["outputs"])
