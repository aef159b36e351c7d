"""Names stay below AWS's limits, and everything that can carry tags says whose it is."""

import importlib
import inspect
import re

import pytest

from comal.names import Names
from tests.infra.program import ALL, IMAGE_URI, Program, Resource, evaluate

# The longest that STACK_PATTERN, MODEL_PATTERN and AWS's own regions allow.
LONGEST = Names(stack="s" * 16, account="1" * 12, region="ap-southeast-99")
MODEL = "m" * 31


@pytest.fixture(scope="module")
def program() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=ALL)


def is_taggable(resource: Resource) -> bool:
    package, module, kind = re.fullmatch(r"(\w+):(\w+)/\w+:(\w+)", resource.type).groups()
    module = {"lambda": "lambda_"}.get(module, module)
    resource_class = getattr(importlib.import_module(f"pulumi_{package}.{module}"), kind)
    return "tags" in inspect.signature(resource_class._internal_init).parameters


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # importing pulumi_aws warns of its own old names
def test_everything_that_can_carry_tags_says_whose_it_is(program):
    taggable = [one for one in program.resources if not one.is_component and is_taggable(one)]
    assert len(taggable) > 30
    for resource in taggable:
        tags = resource.inputs["tags"]
        assert (tags["project"], tags["managed-by"], tags["comal:stack"]) == ("comal", "pulumi", "dev"), resource.urn


def test_what_belongs_to_one_model_says_which(program):
    tagged = {one.type.rsplit(":")[-1] for one in program.resources if "comal:model" in one.inputs.get("tags", {})}
    assert tagged == {"StateMachine", "ModelPackageGroup", "LogGroup", "BucketObjectv2", "MetricAlarm"}


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        (63, LONGEST.bucket("landing")),
        (64, LONGEST.shared("request_training")),
        (64, LONGEST.shared("request_training") + "-requested"),
        (64, LONGEST.shared("request_training") + "-validated"),
        (80, LONGEST.dead_letters("request_training")),
        (63, LONGEST.of_model(MODEL)),
        (63, LONGEST.training_job(MODEL, "0" * 12)),
        (63, LONGEST.model_version(MODEL, 99_999)),
    ],
)
def test_the_longest_names_stay_below_the_limits_of_aws(limit, name):
    assert len(name) <= limit


def test_no_rule_has_a_longer_name_than_those_above(program):
    assert max(len(rule.inputs["name"]) for rule in program.of_type("EventRule")) <= 64 - 16 + len("dev")
