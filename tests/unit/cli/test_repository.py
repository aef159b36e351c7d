"""Finding the clone."""

import pytest

from comal.cli.repository import find_repository
from comal.errors import UserError


def test_the_clone_is_found_from_a_folder_deep_inside(clone):
    inside = clone / "recipes/deep/down"
    inside.mkdir(parents=True)
    assert find_repository(inside).root == clone


def test_a_folder_outside_a_clone_is_refused(tmp_path):
    with pytest.raises(UserError, match="not inside a clone"):
        find_repository(tmp_path)


def test_stacks_are_listed_by_name(clone):
    assert find_repository(clone).stacks == ["dev", "local"]


def test_a_stack_file_that_is_not_yaml_is_a_user_error(clone):
    (clone / "stacks/Pulumi.dev.yaml").write_text("config: [")
    with pytest.raises(UserError, match="is not YAML"):
        find_repository(clone).stack_config("dev")
