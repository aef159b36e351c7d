"""README and docs name everything that exists, and every path they name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from comal.cli.main import app
from comal.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
PROSE = "\n".join(path.read_text() for path in DOCUMENTS)


def commands(group, prefix: str = "comal") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def recipe_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from recipe_keys(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("command", list(commands(get_command(app))))
def test_every_command_is_documented(command):
    assert re.search(rf"`{command}[` ]|^{command}\b", PROSE, re.M), f"no document names `{command}`"


@pytest.mark.parametrize("key", list(recipe_keys(Recipe)))
def test_every_recipe_key_is_documented(key):
    assert f"`{key}`" in (ROOT / "docs/recipe.md").read_text()


@pytest.mark.parametrize("setting", yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
def test_every_setting_is_documented(setting):
    assert f"`{setting if ':' in setting else 'comal:' + setting}" in PROSE


@pytest.mark.parametrize("function", sorted(path.parent.name for path in ROOT.glob("lambdas/*/handler.py")))
def test_every_function_is_documented(function):
    assert f"`{function}`" in (ROOT / "docs/architecture.md").read_text()


@pytest.mark.parametrize("component", sorted(path.stem for path in ROOT.glob("infra/components/[a-z]*.py")))
def test_every_component_is_documented(component):
    assert f"`{component}`" in (ROOT / "docs/architecture.md").read_text()


def linked_paths() -> Iterator[tuple[str, Path]]:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            yield f"{document.name}: {target}", document.parent / target
    table = (ROOT / "README.md").read_text().split("## To change X, touch Y")[1].split("\n## ")[0]
    for target in re.findall(r"\| `([^`]+)` \|$", table, re.M):
        yield f"to change X touch {target}", ROOT / target


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in linked_paths()])
def test_every_path_that_a_document_names_exists(path):
    assert path.exists()
