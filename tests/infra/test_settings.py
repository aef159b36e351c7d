"""Settings: defaults that Pulumi.yaml repeats, and refusals that name the key."""

import json

import pytest
import yaml

from comal.errors import UserError
from comal.recipe import Recipe
from infra.settings import MVP, REPOSITORY, Settings, read_settings
from infra.stack import choose_recipes
from tests.unit.comal.registry_samples import make_recipe


def read(**values: str) -> Settings:
    return read_settings(values.get, "dev")


def test_nothing_said_means_the_mvp():
    assert read().components == MVP


def test_pulumi_yaml_declares_every_setting_with_the_same_default():
    declared = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["config"]
    defaults = {f"comal:{field.alias or name}": field.default for name, field in Settings.model_fields.items()}
    assert set(declared) == set(defaults)
    for key, default in defaults.items():
        assert declared[key]["default"] == json.loads(json.dumps(default, default=str)), key


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"components": '["data", "serving"]'}, "'serving' needs 'registry', which is not listed"),
        ({"components": '["training"]'}, "'data' is missing"),
        ({"components": '["data", "teleportation"]'}, "comal:components.1 is 'teleportation'"),
        ({"components": "data"}, "comal:components is 'data'"),
        ({"imageUri": "comal:latest"}, "comal:imageUri is 'comal:latest': expected <account>.dkr.ecr.<region>"),
        ({"emptyOnDestroy": "perhaps"}, "comal:emptyOnDestroy is 'perhaps'"),
        ({"lambdaRuntime": "nodejs22.x"}, "comal:lambdaRuntime is 'nodejs22.x'"),
        ({"logRetentionDays": "8"}, "comal:logRetentionDays is '8': expected one of 1, 3, 5, 7"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(values, told):
    with pytest.raises(UserError) as refused:
        read(**values)
    assert "stacks/Pulumi.dev.yaml" in refused.value.message
    assert told in refused.value.message


def test_paths_start_at_the_repository():
    assert read(layerPath="elsewhere/layer").layer_path == REPOSITORY / "elsewhere/layer"


def test_the_images_repository_is_found():
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/comal@sha256:0"
    assert read(imageUri=image).image_repository_arn == "arn:aws:ecr:eu-west-1:123456789012:repository/team/comal"


def test_models_choose_among_the_recipes():
    recipes = [
        Recipe(model=model, task="regression", target="y", features={"x": {"type": "number"}}) for model in ("b1", "a1")
    ]
    assert [recipe.model for recipe in choose_recipes(recipes, read())] == ["a1", "b1"]
    assert [recipe.model for recipe in choose_recipes(recipes, read(models='["b1"]'))] == ["b1"]


@pytest.mark.parametrize(
    ("components", "wanted", "mode"),
    [
        ([], "auto", "serverless"),
        (["monitoring"], "auto", "realtime"),
        (["monitoring"], "serverless", "serverless"),
        ([], "realtime", "realtime"),
    ],
)
def test_a_serving_mode_left_to_the_stack_is_settled_by_its_components(components, wanted, mode):
    recipe = make_recipe(serving={"mode": wanted})
    settings = read(components=json.dumps(["data", "training", "registry", "serving", *components]))
    (chosen,) = choose_recipes([recipe], settings)
    assert chosen.serving.mode == mode
