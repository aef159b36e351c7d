from typing import Any

import pytest

from comal.names import Names
from comal.serving_config import (
    config_name,
    config_request,
    endpoint_request,
    model_request,
    version_of_config,
    version_of_model,
)
from tests.unit.comal.registry_samples import complaints, make_names, make_recipe, make_version

ROLE = "arn:aws:iam::000000000000:role/comal-dev-serving"
REALTIME = {"mode": "realtime", "instance": "ml.c6i.large", "min": 2}


@pytest.mark.parametrize("serving", [{}, REALTIME])
def test_sagemaker_accepts_the_requests(serving: dict[str, Any]) -> None:
    recipe, names = make_recipe(serving=serving), make_names()
    assert complaints("CreateModel", model_request(names, "tacos", make_version(), role_arn=ROLE)) == ""
    assert complaints("CreateEndpointConfig", config_request(names, recipe, 3)) == ""
    assert complaints("CreateEndpoint", endpoint_request(names, recipe, 3)) == ""


def test_serverless_is_the_default() -> None:
    (variant,) = config_request(make_names(), make_recipe(), 3)["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "InstanceType" not in variant


def test_realtime_has_instances() -> None:
    (variant,) = config_request(make_names(), make_recipe(serving=REALTIME), 3)["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c6i.large", 2)
    assert "ServerlessConfig" not in variant


def test_other_settings_or_another_version_give_another_config() -> None:
    names = make_names()
    recipes = [make_recipe(serving=serving) for serving in ({}, {"memory_mb": 4096}, REALTIME)]
    configs = {config_name(names, recipe, version) for recipe in recipes for version in (1, 2)}
    assert len(configs) == 6


def test_calls_are_kept_when_the_stack_monitors() -> None:
    recipe, names = make_recipe(serving=REALTIME | {"capture_percent": 20}), make_names()
    request = config_request(names, recipe, 3, captures=True)
    assert complaints("CreateEndpointConfig", request) == ""
    capture = request["DataCaptureConfig"]
    assert capture["InitialSamplingPercentage"] == 20
    assert capture["DestinationS3Uri"] == f"s3://{names.bucket('capture')}/tacos"
    assert "DataCaptureConfig" not in config_request(names, recipe, 3)
    assert "DataCaptureConfig" not in config_request(names, make_recipe(), 3, captures=True)


def test_settings_of_capture_move_the_endpoint() -> None:
    names = make_names()
    some, all_calls = make_recipe(serving=REALTIME | {"capture_percent": 20}), make_recipe(serving=REALTIME)
    configs = {config_name(names, recipe, 1, captures=True) for recipe in (some, all_calls)}
    assert len(configs | {config_name(names, all_calls, 1)}) == 3
    assert config_name(names, some, 1) == config_name(names, all_calls, 1)


def test_settings_of_the_other_mode_do_not_move_the_endpoint() -> None:
    names = make_names()
    plain, other = make_recipe(), make_recipe(serving={"instance": "ml.m5.large", "min": 3})
    assert config_name(names, plain, 1) == config_name(names, other, 1)


def test_names_tell_their_version() -> None:
    names = make_names()
    assert version_of_config(names, "tacos", config_name(names, make_recipe(), 12)) == 12
    assert version_of_model(names, "tacos", names.model_version("tacos", 12)) == 12


def test_names_of_a_model_that_begins_alike_are_not_taken_for_ours() -> None:
    names = make_names()
    other = make_recipe(model="tacos-v2")
    assert version_of_config(names, "tacos", config_name(names, other, 1)) is None
    assert version_of_model(names, "tacos", names.model_version("tacos-v2", 1)) is None


def test_the_longest_names_fit() -> None:
    names = Names("s" * 16, "000000000000", "us-east-1")
    assert len(config_name(names, make_recipe(model="m" * 31), 99_999)) <= 63


def test_the_container_knows_which_version_it_serves() -> None:
    container = model_request(make_names(), "tacos", make_version(), role_arn=ROLE)["PrimaryContainer"]
    assert container["Environment"] == {"COMAL_MODEL_VERSION": "3", "COMAL_MODEL_PACKAGE_ARN": make_version().arn}
