import pytest

from comal.errors import UserError
from training.serve.settings import ServeSettings


def test_the_defaults_are_sagemakers():
    settings = ServeSettings.from_environment({})
    assert (settings.port, settings.unix_socket, settings.version) == (8080, None, None)
    assert settings.max_payload_bytes == 6 * 1024 * 1024


def test_the_environment_decides():
    settings = ServeSettings.from_environment(
        {
            "SAGEMAKER_BIND_TO_PORT": "9000",
            "SAGEMAKER_BIND_TO_UNIX_SOCKET": "/run/model.sock",
            "COMAL_MODEL_VERSION": "12",
            "COMAL_MAX_PAYLOAD_BYTES": "1000",
            "PATH": "/bin",
        }
    )
    assert (settings.port, settings.unix_socket, settings.version, settings.max_payload_bytes) == (
        9000,
        "/run/model.sock",
        "12",
        1000,
    )


def test_a_wrong_value_names_its_variable():
    with pytest.raises(UserError, match="SAGEMAKER_BIND_TO_PORT is 'http'"):
        ServeSettings.from_environment({"SAGEMAKER_BIND_TO_PORT": "http"})
