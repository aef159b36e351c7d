import warnings

import pytest

from localcloud.aws.api_model import service_model
from localcloud.aws.api_validation import _matcher


@pytest.mark.parametrize(("service", "at_least"), [("sagemaker", 200), ("application-autoscaling", 3)])
def test_every_pattern_of_awss_model_compiles(service: str, at_least: int) -> None:
    model = service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    with warnings.catch_warnings():
        # Some of AWS's patterns hold `[[`, of which Python warns that it may come to mean something else.
        warnings.simplefilter("ignore", FutureWarning)
        for pattern in patterns:
            _matcher(pattern)
    assert len(patterns) > at_least
