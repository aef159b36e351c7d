"""Components: each is switched on in place, and without an image nothing is made that needs one."""

import json

import pytest

from tests.infra.program import ALL, IMAGE_URI, Program, ProgramError, evaluate


@pytest.fixture(scope="module")
def mvp() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",))


@pytest.fixture(scope="module")
def everything() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=ALL)


@pytest.fixture(scope="module")
def without_image() -> Program:
    return evaluate("dev", models=("tacos",))


def names(program: Program) -> dict[str, object]:
    """Physical names: a change of one replaces its resource."""
    keys = ("name", "bucket", "key", "layerName", "modelPackageGroupName", "targetId")
    return {
        resource.urn: {key: resource.inputs[key] for key in keys if key in resource.inputs}
        for resource in program.resources
    }


def test_continuous_training_is_added_and_nothing_else_changes(mvp):
    components = ("data", "training", "registry", "serving", "continuous_training")
    after = evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=components).by_urn
    before = mvp.by_urn
    assert before.keys() < after.keys()
    assert {resource.inputs == after[urn].inputs for urn, resource in before.items()} == {True}
    added = {after[urn].name for urn in after.keys() - before.keys()}
    assert added == {
        "continuous-training",
        "request_training-validated",
        "request_training-alarms-tacos",
        "retrain_schedule",
        "tacos-retrain",
    }


@pytest.mark.parametrize(
    "fewer",
    [("data",), ("data", "training"), ("data", "training", "registry"), ("data", "training", "continuous_training")],
)
def test_a_component_that_is_switched_on_renames_and_replaces_nothing(fewer, everything):
    before, after = names(evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=fewer)), names(everything)
    assert before.items() <= after.items()


def test_the_image_is_added_in_place(without_image, mvp):
    assert names(without_image).items() <= names(mvp).items()


def test_without_an_image_nothing_is_made_that_needs_one(without_image):
    functions = {function.name for function in without_image.of_type("Function") if not function.is_component}
    assert functions == {"validate_batch", "clean_up"}
    assert not without_image.of_type("StateMachine")
    assert {mapping.name for mapping in without_image.of_type("EventSourceMapping")} == {"validate_batch"}


def test_without_an_image_requests_wait_in_their_queue(without_image):
    rule = without_image.named("EventRule", "request_training-requested")
    assert json.loads(rule.inputs["eventPattern"])["detail-type"] == ["TrainingRequested"]
    assert without_image.named("Queue", "request_training").inputs["messageRetentionSeconds"] == 14 * 24 * 3600


def test_without_an_image_the_next_step_is_to_build_it(without_image):
    step = without_image.outputs["next_step"]
    assert "docker build" in step
    assert "comal-dev-training:v1" in step
    assert "pulumi config set comal:imageUri" in step


def test_with_an_image_the_next_step_is_to_push_data(mvp):
    assert mvp.outputs["next_step"] == "Push data: comal push tacos FILE.csv -s dev"


def environment_of(program, function: str) -> dict[str, str]:
    (made,) = [one for one in program.of_type("Function") if one.name == function and not one.is_component]
    return dict(made.inputs["environment"]["variables"])


def test_jobs_write_to_the_stacks_own_app_alone(everything):
    (app,) = everything.of_type("MlflowApp")
    assert app.inputs["artifactStoreUri"] == "s3://comal-dev-models-123456789012-eu-west-1/experiments"
    policy = json.loads(everything.named("RolePolicy", "training_job").inputs["policy"])
    (statement,) = [one for one in policy["Statement"] if "sagemaker:CallMlflowAppApi" in one["Action"]]
    assert statement["Resource"] == [environment_of(everything, "request_training")["COMAL_TRACKING_URI"]]


def test_a_stack_with_a_tracker_of_its_own_makes_none(everything):
    components = ("data", "training", "experiments")
    own = evaluate("dev", imageUri=IMAGE_URI, components=components, trackingUri="http://mlflow")
    assert not own.of_type("MlflowApp")
    assert environment_of(own, "request_training")["COMAL_TRACKING_URI"] == "http://mlflow"
    assert "CallMlflowAppApi" not in own.named("RolePolicy", "training_job").inputs["policy"]


def test_without_experiments_jobs_are_told_of_no_tracker(mvp):
    assert "COMAL_TRACKING_URI" not in environment_of(mvp, "request_training")


def test_a_component_without_what_it_needs_is_refused():
    with pytest.raises(ProgramError, match="'registry' needs 'training', which is not listed"):
        evaluate("dev", components=("data", "registry"))


def test_a_model_without_a_recipe_is_refused():
    with pytest.raises(ProgramError, match=r"comal:models names burritos; recipes/ has .*tacos"):
        evaluate("dev", models=("burritos",))


def test_the_stack_tells_where_to_push_and_what_to_ask(everything):
    outputs = everything.outputs
    assert outputs["upload"] == {"tacos": "s3://comal-dev-landing-123456789012-eu-west-1/incoming/tacos/"}
    assert outputs["endpoints"] == {"tacos": "dev-tacos"}


@pytest.mark.parametrize("stack", ["local", "localstack", "dev", "prod"])
def test_every_stack_file_gives_a_stack(stack):
    assert evaluate(stack).outputs["buckets"]
