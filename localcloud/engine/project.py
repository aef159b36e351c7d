"""Pulumi.yaml and a stack file, read as the Pulumi CLI reads them.

https://www.pulumi.com/docs/iac/concepts/projects/project-file/
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localcloud.engine.errors import EngineError

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True)
class Project:
    """One project with the configuration of one stack.

    Attributes:
        program: The folder or the file of the program.
        config: Values by full key (`aws:region`); structured values are JSON text, as the program gets them.
    """

    name: str
    stack: str
    root: Path
    program: Path
    config: dict[str, str]

    @property
    def directory(self) -> Path:
        """Where the program runs, and where its relative paths start."""
        return self.program if self.program.is_dir() else self.program.parent


def load_project(root: Path, stack: str) -> Project:
    """Read a project and one of its stacks.

    Raises:
        EngineError: A file is missing or unreadable, or a value is missing, encrypted or of the wrong type.
    """
    project_file = root / "Pulumi.yaml"
    project = _read(project_file)
    name = project.get("name")
    if not isinstance(name, str):
        raise EngineError(f"{project_file} has no name.", "Add a line such as `name: my-project`.")
    stack_file = root / str(project.get("stackConfigDir", "")) / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(path.name.split(".")[1] for path in stack_file.parent.glob("Pulumi.*.yaml"))
        raise EngineError(f"There is no stack '{stack}': {stack_file} is missing.", f"Stacks: {', '.join(known)}.")
    values = _read(stack_file).get("config") or {}
    config = {_full_key(name, key): value for key, value in values.items()}
    for key, declared in (project.get("config") or {}).items():
        _apply_declaration(_full_key(name, key), declared, config, stack_file)
    for key, value in config.items():
        if isinstance(value, dict) and set(value) == {"secure"}:
            raise EngineError(
                f"{stack_file.name}: {key} is encrypted.", "Only the Pulumi CLI can decrypt it; use a plain value here."
            )
    return Project(
        name,
        stack,
        root,
        (root / str(project.get("main", "."))).resolve(),
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()},
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}.", "Run this in a Pulumi project.") from None
    except yaml.YAMLError as error:
        raise EngineError(f"{path} is not YAML: {error}", "Correct the file.") from None
    return content if isinstance(content, dict) else {}


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _apply_declaration(key: str, declared: Any, config: dict[str, Any], stack_file: Path) -> None:
    """Apply a default, and hold a value against its declared type."""
    if not isinstance(declared, dict):
        config.setdefault(key, declared)
        return
    if key not in config:
        value = declared.get("value", declared.get("default"))
        if value is None:
            raise EngineError(f"{stack_file.name} has no value for {key}.", "Add it; the project declares it.")
        config[key] = value
    wanted = declared.get("type")
    allowed = _TYPES.get(wanted or "")
    value = config[key]
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and wanted != "boolean")):
        raise EngineError(f"{stack_file.name}: {key} is {value!r}, expected {wanted}.", "Correct the value.")
