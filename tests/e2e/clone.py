"""A clone in a temporary folder with a local cloud of its own, driven by the command line as a person would."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from comal.cli.repository import Repository
from comal.cli.target import Target
from comal.clients import Connection
from tests.running_cloud import REGION, REPOSITORY, find_free_port

COMMAND_TIMEOUT_S = 300


@dataclass(frozen=True)
class Clone:
    """A working copy; `comal("push", …)` runs a command in it, `client("s3")` is a boto3 client of its local cloud."""

    root: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The clone's own code comes before the installed one."""
        return {**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "200"}

    def comal(self, *arguments: str, exit_code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [Path(sys.executable).parent / "comal", *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        told = f"comal {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert exit_code in (None, done.returncode), f"{told}\n{self.cloud_log()}"
        return done

    def json(self, *arguments: str, exit_code: int | None = 0) -> Any:
        return json.loads(self.comal(*arguments, "--json", exit_code=exit_code).stdout)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    @property
    def target(self) -> Target:
        """Its stack, for the code of the command line that a test calls itself."""
        connection = Connection(REGION, f"http://127.0.0.1:{self.port}", access_key="test", secret_key="test")
        return Target(Repository(self.root), "local", connection)

    def cloud_log(self) -> str:
        logs = sorted((self.root / ".comal/local").glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in logs)

    def stack_value(self, key: str, value: str) -> None:
        """Changes a setting of stacks/Pulumi.local.yaml, as an editor would."""
        path = self.root / "stacks/Pulumi.local.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"][key] = yaml.safe_load(value)
        path.write_text(yaml.safe_dump(document, sort_keys=False))


def make_clone(root: Path) -> Clone:
    """Copies what git has (and would take), shares the built Lambda layers, starts a local cloud on a free port."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = REPOSITORY / name
        if source.is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name)
    (root / ".comal").mkdir()
    (root / ".comal/layers").symlink_to(REPOSITORY / ".comal/layers")
    clone = Clone(root, find_free_port())
    clone.comal("cloud", "start", "--port", str(clone.port))
    return clone
