import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from comal.cli import tracking_server
from comal.cli.repository import Repository
from comal.cli.retrain import request_run
from comal.cli.target import Target
from comal.clients import Connection
from comal.errors import PlatformError
from localcloud.processes import STATE_DIR_VARIABLE, is_listening
from tests.running_cloud import find_free_port


def make_clone(tmp_path: Path, **config: object) -> Repository:
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
    tracking_server.ensure(make_clone(tmp_path, **config))
    assert capsys.readouterr().err == ""
    assert not (tmp_path / ".comal").exists()


def test_a_server_that_is_not_installed_is_a_warning_with_the_command(tmp_path, capsys):
    uri = f"http://127.0.0.1:{find_free_port()}"
    tracking_server.ensure(make_clone(tmp_path, **{"comal:components": ["experiments"], "comal:trackingUri": uri}))
    assert "make experiments" in capsys.readouterr().err


def test_a_server_that_does_not_start_is_a_warning_with_its_log(tmp_path, capsys):
    uri = f"http://127.0.0.1:{find_free_port()}"
    repository = make_clone(tmp_path, **{"comal:components": ["experiments"], "comal:trackingUri": uri})
    program = repository.state_dir / "mlflow/bin/mlflow"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho no luck\nexit 1\n")
    program.chmod(0o755)
    tracking_server.ensure(repository)
    assert "mlflow.log" in capsys.readouterr().err
    assert "no luck" in (repository.local_dir / "mlflow.log").read_text()


@contextmanager
def listening(port: int, **environment: str) -> Iterator[int]:
    """A process that answers on a port, as another clone's MLflow would; its pid."""
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL) as process:
        while not is_listening(port):
            time.sleep(0.01)
        yield process.pid
        process.kill()


def with_server(tmp_path: Path, port: int, host: str = "127.0.0.1") -> Repository:
    config = {"comal:components": ["experiments"], "comal:trackingUri": f"http://{host}:{port}"}
    return make_clone(tmp_path, **config)


def test_a_stranger_on_its_port_is_named_and_is_given_no_run(tmp_path):
    port = find_free_port()
    repository = with_server(tmp_path, port)
    target = Target(repository, "local", Connection("us-east-1", "http://127.0.0.1:1"))
    with listening(port) as pid:
        told = rf"Port {port}, .* is taken by process {pid} \(.*http.server.*\), which is none of its own"
        for attempt in (lambda: tracking_server.ensure(repository), lambda: request_run(target, "tacos", "why not")):
            with pytest.raises(PlatformError, match=told) as caught:
                attempt()
            assert "comal up" in caught.value.next_step


def test_a_stranger_that_comes_while_it_starts_is_named(tmp_path):
    port = find_free_port()
    repository = with_server(tmp_path, port)
    program = repository.state_dir / "mlflow/bin/mlflow"
    program.parent.mkdir(parents=True)
    # Without the mark of this clone's cloud: the one that was quicker.
    serve = f"{sys.executable} -m http.server {port} --bind 127.0.0.1"
    stranger = f"env -u {STATE_DIR_VARIABLE} {serve} 2>/dev/null & echo $! > {tmp_path}/pid"
    program.write_text(f"#!/bin/sh\n{stranger}\nsleep 2; exit 1\n")
    program.chmod(0o755)
    with pytest.raises(PlatformError, match="is taken by process"):
        tracking_server.ensure(repository)
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_its_own_server_is_left_alone_and_one_that_is_named_on_purpose(tmp_path):
    port = find_free_port()
    for folder, host, mark in (("own", "127.0.0.1", True), ("named", "localhost", False)):
        (tmp_path / folder).mkdir()
        repository = with_server(tmp_path / folder, port, host)
        environment = {STATE_DIR_VARIABLE: str(repository.local_dir.resolve())} if mark else {}
        with listening(port, **environment):
            tracking_server.ensure(repository)
        assert not repository.local_dir.exists()


def test_the_local_cloud_does_not_start_beside_a_stranger(comal, clone):
    port = find_free_port()
    path = clone / "stacks/Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"] |= {"comal:components": ["experiments"], "comal:trackingUri": f"http://127.0.0.1:{port}"}
    path.write_text(yaml.safe_dump(document))
    with listening(port):
        result = comal("cloud", "start", "--port", str(find_free_port()))
    assert result.exit_code == 1
    assert "is none of its own" in result.stderr
    assert "comal:trackingUri" in result.stderr
    assert comal("cloud", "status").exit_code == 1
