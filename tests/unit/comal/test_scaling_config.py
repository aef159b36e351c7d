from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from comal.scaling_config import policy_request, scales, target_id
from tests.unit.comal.registry_samples import make_names, make_recipe

REALTIME = {"mode": "realtime", "min": 2, "max": 5, "target_rps": 40}


def test_application_auto_scaling_accepts_the_requests() -> None:
    model = ServiceModel(Loader().load_service_model("application-autoscaling", "service-2"))
    names, recipe = make_names(), make_recipe(serving=REALTIME)
    requests = {
        "RegisterScalableTarget": target_id(names, "tacos") | {"MinCapacity": 2, "MaxCapacity": 5},
        "PutScalingPolicy": policy_request(names, recipe),
    }
    for operation, request in requests.items():
        report = ParamValidator().validate(request, model.operation_model(operation).input_shape)
        assert report.generate_report() == ""


def test_the_target_is_in_requests_a_minute_for_each_instance() -> None:
    request = policy_request(make_names(), make_recipe(serving=REALTIME))
    assert request["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 2400.0
    assert request["ResourceId"] == "endpoint/dev-tacos/variant/AllTraffic"


@pytest.mark.parametrize(
    ("serving", "wanted"),
    [
        (REALTIME, True),
        (REALTIME | {"max": 2}, False),
        ({"mode": "realtime", "min": 2}, False),
        ({"mode": "serverless", "max": 5}, False),
        ({}, False),
    ],
)
def test_a_fleet_scales_when_it_has_instances_and_room(serving: dict[str, Any], wanted: bool) -> None:
    assert scales(make_recipe(serving=serving)) is wanted
