"""The definition of a training run: valid, and fitting what request_training hands it."""

import pytest

from comal.names import Names
from comal.recipe import Recipe
from comal.recipe_training import Search
from comal.training_job import training_job_request
from comal.tuning_job import tuning_job_request
from infra.state_machine import JOB_FIELDS, TUNING_FIELDS, definition
from tests.infra.program import IMAGE_URI

NAMES = Names("dev", "123456789012", "eu-west-1")


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(model="tacos", task="regression", target="minutes", features={"staff": {"type": "integer"}})


def test_it_picks_every_field_of_the_tuning_jobs_request(recipe):
    job = training_job_request(recipe, NAMES, "0" * 12, None, image_uri=IMAGE_URI, role_arn="arn:aws:iam::1:role/x")
    assert set(TUNING_FIELDS) == set(tuning_job_request(recipe, Search(jobs=3), NAMES, "0" * 12, job))


def test_it_picks_every_field_of_the_job_request(recipe):
    request = training_job_request(recipe, NAMES, "0" * 12, None, image_uri=IMAGE_URI, role_arn="arn:aws:iam::1:role/x")
    assert set(JOB_FIELDS) == set(request)


@pytest.mark.parametrize("registers", [True, False])
def test_every_state_is_reached_and_leads_to_an_end(recipe, registers):
    states = definition(NAMES, recipe, registers=registers)["States"]
    reached, todo = set(), ["Choose"]
    while todo:
        name = todo.pop()
        reached.add(name)
        state = states[name]
        following = [state["Next"]] if "Next" in state else []
        following += [choice["Next"] for choice in state.get("Choices", [])]
        following += [state["Default"]] if "Default" in state else []
        following += [catch["Next"] for catch in state.get("Catch", [])]
        assert following or state["Type"] in {"Succeed", "Fail"}
        todo += [one for one in following if one not in reached]
    assert reached == set(states)


def test_every_failure_ends_the_run_with_its_reason(recipe):
    states = definition(NAMES, recipe, registers=True)["States"]
    for task in ("Train", "Tune", "Register"):
        (catch,) = states[task]["Catch"]
        assert (catch["ErrorEquals"], catch["Next"], catch["ResultPath"]) == (["States.ALL"], "Failed", "$.failure")
    assert (states["Failed"]["ErrorPath"], states["Failed"]["CausePath"]) == ("$.failure.Error", "$.failure.Cause")


def test_registration_gets_the_whole_state(recipe):
    register = definition(NAMES, recipe, registers=True)["States"]["Register"]
    assert register["Parameters"]["Payload.$"] == "$"
    assert register["Parameters"]["FunctionName"].endswith("function:comal-dev-register-model")


def test_without_a_registry_a_run_ends_with_its_job(recipe):
    states = definition(NAMES, recipe, registers=False)["States"]
    assert states["Train"]["Next"] == "Done"
    assert "Register" not in states


def test_a_spot_job_may_wait_for_capacity_as_long_as_it_may_run(recipe):
    def timeout_s(spot: bool) -> int:
        training = recipe.training.model_copy(update={"spot": spot, "max_runtime_minutes": 60})
        changed = recipe.model_copy(update={"training": training})
        return definition(NAMES, changed, registers=True)["States"]["Train"]["TimeoutSeconds"]

    assert timeout_s(spot=False) == 2 * 3600
    assert timeout_s(spot=True) == 3 * 3600
