"""Where the clone lies that a command works on, and what it holds."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from comal.errors import UserError

MARKER = "Pulumi.yaml"


@dataclass(frozen=True)
class Repository:
    """A clone of the kit: its recipes, its stacks and the state that the local cloud keeps in it."""

    root: Path

    @property
    def recipes_dir(self) -> Path:
        """The folder with one recipe per model."""
        return self.root / "recipes"

    @property
    def state_dir(self) -> Path:
        """What this machine keeps about the clone; git ignores it."""
        return self.root / ".comal"

    @property
    def local_dir(self) -> Path:
        """The local cloud's data."""
        return self.state_dir / "local"

    @property
    def reports_dir(self) -> Path:
        """Validation reports that a command fetched."""
        return self.state_dir / "reports"

    @property
    def images_file(self) -> Path:
        """Which command the local cloud runs for which container image."""
        return self.local_dir / "images.json"

    @cached_property
    def stacks(self) -> list[str]:
        """Names of the stacks that have a file."""
        return sorted(path.name.split(".")[1] for path in (self.root / "stacks").glob("Pulumi.*.yaml"))

    def engine_state_file(self, stack: str) -> Path:
        """What the local engine knows of a stack."""
        return self.local_dir / f"stack-{stack}.json"

    def stack_config(self, stack: str) -> dict[str, Any]:
        """The `config` of a stack's file.

        Raises:
            UserError: There is no such stack, or its file is not YAML.
        """
        path = self.root / "stacks" / f"Pulumi.{stack}.yaml"
        try:
            document = yaml.safe_load(path.read_text()) or {}
        except FileNotFoundError:
            raise UserError(
                f"There is no stack '{stack}': {path} does not exist. The stacks are: {', '.join(self.stacks)}.",
                next_step=f"Choose one with -s, or make it: pulumi stack init {stack}",
            ) from None
        except yaml.YAMLError as error:
            raise UserError(f"{path} is not YAML: {error}.", next_step="Mend the file.") from error
        config: dict[str, Any] = document.get("config") or {}
        return config


def find_repository(start: Path | None = None) -> Repository:
    """The clone around a folder, by default the one we are in.

    Raises:
        UserError: Neither the folder nor one above it is a clone of the kit.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_file() and (folder / "recipes").is_dir():
            return Repository(folder)
    raise UserError(
        f"{here} is not inside a clone of comal: neither it nor a folder above it holds {MARKER} and recipes/.",
        next_step="Change into the clone.",
    )
