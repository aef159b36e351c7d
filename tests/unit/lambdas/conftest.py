"""A stack on the session's local cloud, and the environment that a function of it runs in."""

import uuid
from collections.abc import Iterator

import pytest

from comal.clients import client
from comal.lambda_environment import LambdaEnvironment
from comal.names import Names
from tests.running_cloud import ACCOUNT, REGION, RunningCloud
from tests.unit.lambdas.lambda_stack import GOOD_IMAGE, LambdaStack


@pytest.fixture
def lambda_stack(cloud: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaStack]:
    """A stack of its own for each test; the test's process is the function's."""
    stack = LambdaStack(cloud, Names(f"t{uuid.uuid4().hex[:10]}", ACCOUNT, REGION))
    stack.create()
    environment = {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "tests",
        "COMAL_STACK": stack.names.stack,
        "COMAL_ACCOUNT": ACCOUNT,
        "COMAL_REGION": REGION,
        "COMAL_IMAGE_URI": GOOD_IMAGE,
        "COMAL_TRAINING_ROLE_ARN": stack.role_arn,
        "COMAL_SERVING_ROLE_ARN": stack.role_arn,
        "COMAL_EMPTY_ON_DESTROY": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client.cache_clear()
    LambdaEnvironment.read.cache_clear()
    yield stack
    client.cache_clear()
    LambdaEnvironment.read.cache_clear()
