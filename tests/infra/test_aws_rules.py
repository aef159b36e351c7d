"""What AWS does not do is refused at preview, with the alternative."""

import json

import pytest

from comal.errors import UserError
from infra.aws_rules import check_aws_rules
from infra.settings import Settings, read_settings
from infra.stack import choose_recipes
from tests.infra.program import IMAGE_URI, evaluate
from tests.unit.comal.registry_samples import make_recipe

MVP = ("data", "training", "registry", "serving")


def settings(*more: str) -> Settings:
    return read_settings({"components": json.dumps([*MVP, *more])}.get, "dev")


def test_monitoring_of_a_serverless_endpoint_is_refused_with_the_alternative_and_its_price():
    recipes = [make_recipe(serving={"mode": "serverless"})]
    with pytest.raises(UserError, match="no data capture") as caught:
        check_aws_rules(recipes, settings("monitoring"))
    assert "recipes/tacos.yaml has serving.mode serverless" in caught.value.message
    assert "serving.mode to realtime" in caught.value.next_step
    assert "$0.10 an hour" in caught.value.next_step


@pytest.mark.parametrize(
    ("mode", "components"), [("serverless", []), ("realtime", ["monitoring"]), ("auto", ["monitoring"])]
)
def test_what_goes_together_passes(mode, components):
    chosen = settings(*components)
    check_aws_rules(choose_recipes([make_recipe(serving={"mode": mode})], chosen), chosen)


def test_deploy_model_keeps_calls_only_where_the_stack_monitors():
    plain = evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=MVP)
    monitored = evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=(*MVP, "monitoring"))
    for program, is_monitored in ((plain, False), (monitored, True)):
        (function,) = [
            one for one in program.of_type("Function") if one.name == "deploy_model" and not one.is_component
        ]
        variables = function.inputs["environment"]["variables"]
        assert variables.get("COMAL_CAPTURE") == ("true" if is_monitored else None)
        policy = program.named("RolePolicy", "endpoint").inputs["policy"]
        assert ("arn:aws:s3:::comal-dev-capture-123456789012-eu-west-1/*/dev-*/*" in policy) is is_monitored
