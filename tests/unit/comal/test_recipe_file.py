import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comal.errors import RecipeError
from comal.recipe import Recipe
from comal.recipe_file import load, load_folder, parse
from comal.recipe_schema import recipe_schema

SMALLEST = "model: tacos\ntask: regression\ntarget: minutes\nfeatures:\n  size: {type: integer}\n"


def complaints(text: str | bytes) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), "r.yaml")
    return caught.value.message


def test_four_keys_are_a_recipe():
    recipe = parse(SMALLEST.encode(), "r.yaml")
    assert (recipe.model, recipe.metric, recipe.validation.max_missing) == ("tacos", "rmse", 0.02)


@pytest.mark.parametrize("gate", ["{at_most: 2, at_least: 1}", "{at_most: 1, at_least: 1}", "{at_least: 2}"])
def test_bounds_that_some_metric_keeps_are_a_gate(gate):
    assert parse(f"{SMALLEST}gate: {gate}\n".encode(), "r.yaml").gate.at_least


def test_a_section_without_keys_has_its_defaults():
    assert parse((SMALLEST + "gate:\n").encode(), "r.yaml").gate.beat_champion_by == 0


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("trainin: {}", "r.yaml:6: trainin: unknown key; did you mean 'training'."),
        ("zzz: 1", "r.yaml:6: zzz: unknown key; expected one of model, task,"),
        ("  big: {type: integer, min: ten}", "r.yaml:6: features.big.min: found 'ten', expected a number."),
        ("  big: {type: integr}", "r.yaml:6: features.big.type: found 'integr', expected integer, number, boolean"),
        ("  big: {min: 3}", "r.yaml:6: features.big.type: the key is missing; expected integer, number, boolean"),
        ("  big: {type: number, mn: 3}", "r.yaml:6: features.big.mn: unknown key; did you mean 'min'."),
        ("  big: {type: number, min: 3, max: 1}", "r.yaml:6: features.big.min: min 3 is above max 1."),
        ("  big: {type: number, min: .nan}", "r.yaml:6: features.big.min: found .nan, expected a number, neither"),
        ("  big: {type: number, max: .inf}", "r.yaml:6: features.big.max: found .inf, expected a number, neither"),
        ("  big: {type: category}", "r.yaml:6: features.big.values: the key is missing; expected the allowed values."),
        (
            "  big: {type: category, values: [a, no]}",
            "features.big.values.1: found no, expected text; put it in",
        ),
        ("  big: {type: category, values: [a, a]}", "features.big.values: 'a' is listed twice."),
        ("  big: {type: category, values: ['a ']}", "features.big.values: 'a ' is empty or has spaces"),
        ("  big: 5", "features.big: found 5, expected keys of its own"),
        ("  minutes: {type: number}", "r.yaml:6: features.minutes: target 'minutes' is listed among the features"),
        ("  size: {type: number}", "r.yaml:6: features.size: the key is there twice, first on line 5."),
        ("task: binary", "r.yaml:6: task: the key is there twice, first on line 2."),
        ("gate: {at_most: 1, at_least: 2}", "r.yaml:6: gate.at_most: at_most 1 is below at_least 2; no model passes."),
        ("gate: {metric: auc}", "r.yaml:6: gate.metric: 'auc' is not one of rmse, mae, r2 for regression."),
        (
            "monitoring: {reference: seasonal}",
            "r.yaml:6: monitoring.reference: seasonal compares rows of the same hour of the week, which needs "
            "`event_time`.",
        ),
        ("entity: minutes", "r.yaml:6: entity: entity and target are the same column 'minutes'."),
        ("event_time: {column: t, format: '%H:%M'}", "event_time.format: found '%H:%M', expected one of iso, epoch_s"),
        ("training: {max_runtime_minutes: 60m}", "found '60m', expected a whole number of minutes, without the unit."),
        ("training: {volume_gb: 10GB}", "found '10GB', expected a whole number of GB, without the unit."),
        (
            "registry: {expires_after_days: 9999999}",
            "registry.expires_after_days: found 9999999, expected a number of days at most 3650.",
        ),
        ("training: {holdout: 1}", "training.holdout: found 1, expected a number below 1."),
        ("training: {seed: yes}", "training.seed: found yes, expected a whole number."),
        ("training: {instance: m5.large}", "training.instance: found 'm5.large', expected text that matches"),
        ("training: {params: {eta: [1]}}", "training.params.eta: found a list of 1, expected a number, a text, or"),
        (
            "training: {search: {algorithms: [linear, xgboost, linear]}}",
            "r.yaml:6: training.search.algorithms: 'linear' is listed twice; list each algorithm once.",
        ),
        ("training: [1]", "training: found a list of 1, expected keys of its own"),
        ("serving: {memory_mb: 1000}", "serving.memory_mb: found 1000, expected 1024, 2048"),
        ("\tgate: {}", "r.yaml:6: is not YAML: found a tab; indent with spaces."),
        ("---\nmodel: x", "is not YAML: found a second document after `---`; expected one recipe a file."),
        ("entity: &a id\nevent_time: *a", "r.yaml:7: found the alias *a, expected the value itself"),
        ("[1, 2]: x", "r.yaml:6: found a key that is no plain text"),
    ],
)
def test_a_mistake_is_named_with_line_key_value_and_expectation(line, complaint):
    assert complaint in complaints(f"{SMALLEST}{line}\n")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "r.yaml:1: the file is empty; expected the keys model, task, target and features."),
        (b"# nothing\n", "the file is empty"),
        (b"- a\n", "r.yaml:1: found a list, expected `key: value` lines"),
        (b"model: [", "is not YAML"),
        (b"model: tacos\n\xff", "r.yaml:2: found byte 0xff, expected text in UTF-8."),
        (b"model: a\x00b", "is not YAML"),
        (b"[" * 5000, "r.yaml:1: "),
        (b"x" * (1 << 21), "found 2097152 bytes, expected a recipe"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_complaint(content, complaint):
    assert complaint in complaints(content)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines():
    text = "model: Tacos\ntask: regresion\ntarget: y\nfeatures:\n  a: {type: integer, min: x}\n  b: {type: int}\n"
    lines = complaints(text).splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "5", "6"]


def test_numbers_with_an_exponent_are_numbers():
    recipe = parse((SMALLEST + "  big: {type: number, max: 1e6}\n").encode(), "r.yaml")
    assert recipe.features["big"].max == 1_000_000


def test_a_column_may_be_called_like_a_yaml_word():
    recipe = parse((SMALLEST + "  on: {type: boolean}\n  2011: {type: number}\n").encode(), "r.yaml")
    assert list(recipe.features) == ["size", "on", "2011"]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        load(tmp_path / "nothing.yaml")


def test_two_recipes_of_one_model_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_text(SMALLEST)
    assert [recipe.model for recipe in load_folder(tmp_path).values()] == ["tacos"]
    (tmp_path / "b.yaml").write_text(SMALLEST)
    (tmp_path / "c.yml").write_text(SMALLEST)
    (tmp_path / "d.yaml").write_text("")
    with pytest.raises(RecipeError) as caught:
        load_folder(tmp_path)
    assert "'tacos' is described by" in caught.value.message
    assert "expected .yaml" in caught.value.message
    assert "d.yaml:1: the file is empty" in caught.value.message


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_a_recipe_or_a_recipe_error(content):
    try:
        recipe = parse(content, "r.yaml")
    except RecipeError:
        return
    assert isinstance(recipe, Recipe)


def test_the_schema_is_valid_and_agrees_with_the_code():
    schema = recipe_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    recipe = parse(SMALLEST.encode(), "r.yaml")
    validator.validate(recipe.model_dump(mode="json"))
    assert not validator.is_valid({**recipe.model_dump(mode="json"), "trainin": {}})
    assert not validator.is_valid({"model": "tacos"})


def test_every_key_of_the_schema_is_described():
    schema = recipe_schema()
    for section in (schema, *schema["$defs"].values()):
        for name, key in section["properties"].items():
            assert "description" in key or "$ref" in key or name == "type", name
