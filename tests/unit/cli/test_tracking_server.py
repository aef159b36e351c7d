from pathlib import Path

import pytest
import yaml

from comal.cli import tracking_server
from comal.cli.repository import Repository
from tests.running_cloud import find_free_port


def clone(tmp_path: Path, **config: object) -> Repository:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.local.yaml").write_text(yaml.safe_dump({"config": config}))
    return Repository(tmp_path)


@pytest.mark.parametrize(
    "config",
    [
        {"comal:trackingUri": "http://127.0.0.1:1"},
        {"comal:components": ["data"], "comal:trackingUri": "http://127.0.0.1:1"},
        {"comal:components": ["data", "experiments"]},
        {"comal:components": ["data", "experiments"], "comal:trackingUri": "https://mlflow.example.com"},
    ],
)
def test_nothing_is_started_unless_the_stack_names_a_server_of_this_machine(tmp_path, capsys, config):
    tracking_server.ensure(clone(tmp_path, **config))
    assert capsys.readouterr().err == ""
    assert not (tmp_path / ".comal").exists()


def test_a_server_that_is_not_installed_is_a_warning_with_the_command(tmp_path, capsys):
    uri = f"http://127.0.0.1:{find_free_port()}"
    tracking_server.ensure(clone(tmp_path, **{"comal:components": ["experiments"], "comal:trackingUri": uri}))
    assert "make experiments" in capsys.readouterr().err


def test_a_server_that_does_not_start_is_a_warning_with_its_log(tmp_path, capsys):
    uri = f"http://127.0.0.1:{find_free_port()}"
    repository = clone(tmp_path, **{"comal:components": ["experiments"], "comal:trackingUri": uri})
    program = repository.state_dir / "mlflow/bin/mlflow"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho no luck\nexit 1\n")
    program.chmod(0o755)
    tracking_server.ensure(repository)
    assert "mlflow.log" in capsys.readouterr().err
    assert "no luck" in (repository.local_dir / "mlflow.log").read_text()
