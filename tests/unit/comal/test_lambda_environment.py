from collections.abc import Iterator

import pytest

from comal.errors import PlatformError
from comal.lambda_environment import LambdaEnvironment


class _WithImage(LambdaEnvironment):
    image_uri: str


@pytest.fixture(autouse=True)
def _read_afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COMAL_STACK", "dev")
    monkeypatch.setenv("COMAL_ACCOUNT", "000000000000")
    monkeypatch.setenv("COMAL_REGION", "us-east-1")
    LambdaEnvironment.read.cache_clear()
    yield
    LambdaEnvironment.read.cache_clear()


def test_the_environment_knows_the_names_of_the_stack() -> None:
    assert LambdaEnvironment.read().names.bucket("lake") == "comal-dev-lake-000000000000-us-east-1"


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = LambdaEnvironment.read()
    monkeypatch.setenv("COMAL_STACK", "prod")
    assert LambdaEnvironment.read() is first


def test_a_function_with_more_variables_has_an_environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMAL_IMAGE_URI", "image:1")
    assert _WithImage.read().image_uri == "image:1"
    assert type(LambdaEnvironment.read()) is LambdaEnvironment


def test_an_absent_variable_is_named() -> None:
    with pytest.raises(PlatformError, match="COMAL_IMAGE_URI"):
        _WithImage.read()
