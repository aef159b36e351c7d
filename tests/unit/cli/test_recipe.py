"""`comal recipe`."""

import json


def test_the_schema_is_a_json_schema_of_the_recipe(comal):
    assert "features" in json.loads(comal("recipe", "schema").stdout)["properties"]


def test_recipes_without_a_mistake_are_listed(comal, clone):
    result = comal("recipe", "check", "--json")
    assert result.exit_code == 0
    assert [(row["model"], row["ok"]) for row in json.loads(result.stdout)] == [("tacos", True)]


def test_a_mistake_is_shown_with_file_and_line_and_exit_code_2(comal, clone):
    (clone / "recipes/wrong.yaml").write_text("model: wrong\ntask: guess\n")
    result = comal("recipe", "check")
    assert result.exit_code == 2
    assert "wrong.yaml:2" in result.stderr


def test_two_recipes_of_one_model_are_a_mistake(comal, clone):
    (clone / "recipes/twin.yaml").write_text((clone / "recipes/tacos.yaml").read_text())
    result = comal("recipe", "check")
    assert result.exit_code == 2
    assert "twin.yaml" in result.stderr


def test_one_recipe_can_be_checked_alone(comal, clone):
    (clone / "recipes/wrong.yaml").write_text("model: wrong\n")
    assert comal("recipe", "check", "recipes/tacos.yaml").exit_code == 0
