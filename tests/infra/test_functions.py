"""Functions: how each is reached, what happens to what it cannot handle, what it is told."""

import fnmatch
import json

import pytest

from tests.infra.program import ACCOUNT, ALL, IMAGE_URI, REGION, Program, Resource, evaluate

ASYNCHRONOUS = (
    "validate_batch",
    "request_training",
    "deploy_model",
    "monitor_endpoint",
    "score_batch",
    "ingest_features",
)
FUNCTIONS = (*ASYNCHRONOUS, "register_model", "clean_up")


@pytest.fixture(scope="module")
def program() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=ALL)


def function(program: Program, noun: str) -> Resource:
    (found,) = [one for one in program.of_type("Function") if one.name == noun and not one.is_component]
    return found


def test_these_are_all_functions(program):
    assert {one.name for one in program.of_type("Function")} == set(FUNCTIONS)


@pytest.mark.parametrize("noun", ASYNCHRONOUS)
def test_each_asynchronous_function_has_dead_letters(program, noun):
    dead_letters = program.named("Queue", f"{noun}-dead-letters")
    redrive = json.loads(program.named("Queue", noun).inputs["redrivePolicy"])
    assert redrive["maxReceiveCount"] == 5
    assert redrive["deadLetterTargetArn"].endswith(dead_letters.inputs["name"])


@pytest.mark.parametrize("noun", ASYNCHRONOUS)
def test_each_asynchronous_function_says_which_messages_failed(program, noun):
    mapping = program.named("EventSourceMapping", noun).inputs
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("noun", ASYNCHRONOUS)
def test_a_message_stays_invisible_for_six_times_the_functions_timeout(program, noun):
    timeout_s = function(program, noun).inputs["timeout"]
    assert program.named("Queue", noun).inputs["visibilityTimeoutSeconds"] == 6 * timeout_s


@pytest.mark.parametrize("noun", ASYNCHRONOUS)
def test_only_the_functions_own_rules_fill_its_queue(program, noun):
    (statement,) = json.loads(program.named("Queue", noun).inputs["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    pattern = statement["Condition"]["ArnLike"]["aws:SourceArn"].rpartition("/")[2]
    allowed = {rule.name for rule in program.of_type("EventRule") if fnmatch.fnmatch(rule.inputs["name"], pattern)}
    queue = program.named("Queue", noun).inputs["name"]
    filling = {target.name for target in program.of_type("EventTarget") if target.inputs["arn"].endswith(f"/{queue}")}
    assert allowed == filling != set()


def test_every_queue_is_encrypted(program):
    assert all(queue.inputs["sqsManagedSseEnabled"] for queue in program.of_type("Queue"))


@pytest.mark.parametrize("noun", FUNCTIONS)
def test_each_function_writes_a_log_that_ends(program, noun):
    log_group = program.named("LogGroup", noun).inputs
    assert log_group["name"] == f"/aws/lambda/{function(program, noun).inputs['name']}"
    assert log_group["retentionInDays"] == 7


@pytest.mark.parametrize("noun", FUNCTIONS)
def test_each_function_is_told_whose_it_is(program, noun):
    variables = function(program, noun).inputs["environment"]["variables"]
    told = {key: variables[key] for key in ("COMAL_STACK", "COMAL_ACCOUNT", "COMAL_REGION")}
    assert told == {"COMAL_STACK": "dev", "COMAL_ACCOUNT": ACCOUNT, "COMAL_REGION": REGION}
    assert variables["POWERTOOLS_SERVICE_NAME"] == noun


@pytest.mark.parametrize("noun", FUNCTIONS)
def test_each_function_runs_on_a_python_of_amazon_linux_2023(program, noun):
    assert function(program, noun).inputs["runtime"] == "python3.12"
    assert function(program, noun).inputs["handler"] == f"lambdas.{noun}.handler.handle"


def test_the_timer_says_when_it_fired(program):
    target = program.named("EventTarget", "request_training-timer").inputs["inputTransformer"]
    message = json.loads(target["inputTemplate"].replace("<time>", '"2026-01-01T00:00:00Z"'))
    assert message == {"source": "comal", "detail-type": "Timer", "time": "2026-01-01T00:00:00Z"}
    assert target["inputPaths"] == {"time": "$.time"}
