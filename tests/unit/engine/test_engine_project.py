"""Pulumi.yaml and stack files, read as the Pulumi CLI reads them."""

import json

import pytest

from localcloud.engine import EngineError
from localcloud.engine.project import load_project

PROJECT = """
name: shop
runtime: python
main: infra/
stackConfigDir: stacks
config:
  shop:models: {type: array, default: []}
  shop:size: {type: integer}
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "infra").mkdir()
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    return tmp_path


def stack(root, text):
    (root / "stacks/Pulumi.local.yaml").write_text(text)
    return root


def test_defaults_apply_and_structured_values_are_json(root):
    project = load_project(stack(root, "config:\n  shop:size: 3\n  aws:endpoints: [{s3: http://127.0.0.1}]\n"), "local")
    assert project.config["shop:models"] == "[]"
    assert project.config["shop:size"] == "3"
    assert json.loads(project.config["aws:endpoints"]) == [{"s3": "http://127.0.0.1"}]
    assert project.directory == root / "infra"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config:\n  shop:size: many\n", "expected integer"),
        ("config:\n  shop:size: true\n", "expected integer"),
        ("config: {}\n", "has no value for shop:size"),
        ("config:\n  shop:size: 1\n  shop:key: {secure: abc}\n", "encrypted"),
        ("config: [\n", "not YAML"),
    ],
)
def test_a_wrong_stack_file_is_explained(root, text, said):
    with pytest.raises(EngineError, match=said):
        load_project(stack(root, text), "local")


def test_an_unknown_stack_names_the_known_ones(root):
    with pytest.raises(EngineError, match="Stacks: local"):
        load_project(stack(root, "config: {}\n"), "prod")


def test_a_folder_without_a_project_says_so(tmp_path):
    with pytest.raises(EngineError, match="cannot be read"):
        load_project(tmp_path, "local")
