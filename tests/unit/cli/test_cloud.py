"""`comal cloud` with a local cloud of the temporary clone's own."""

import json
import os
import signal
import subprocess

import pytest

from localcloud.processes import STATE_DIR_VARIABLE
from tests.running_cloud import find_free_port


@pytest.fixture
def started(comal, clone):
    port = find_free_port()
    result = comal("cloud", "start", "--port", str(port), "--json")
    assert result.exit_code == 0, result.output
    yield port
    comal("cloud", "stop")


def test_a_started_cloud_says_where_it_listens(comal, clone, started):
    row = json.loads(comal("cloud", "status", "--json").stdout)
    assert (row["running"], row["port"], row["data"]) == (True, started, str(clone / ".comal/local"))


def test_starting_it_again_is_no_error(comal, started):
    assert comal("cloud", "start").exit_code == 0


def test_starting_it_on_another_port_is_an_error_that_says_so(comal, started):
    result = comal("cloud", "start", "--port", str(find_free_port()))
    assert result.exit_code == 1
    assert "Next:" in result.stderr


def test_a_stopped_cloud_is_not_running(comal, clone, started):
    assert "Stopped" in comal("cloud", "stop").stdout
    result = comal("cloud", "status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["running"]) == (1, False)


def test_a_stop_after_kill_9_ends_what_the_cloud_left_and_says_so(comal, clone, started):
    state_dir = clone / ".comal/local"
    marked = {**os.environ, STATE_DIR_VARIABLE: str(state_dir.resolve())}
    with subprocess.Popen(["sleep", "600"], env=marked, start_new_session=True) as left:
        os.kill(json.loads(comal("cloud", "status", "--json").stdout)["pid"], signal.SIGKILL)
        while comal("cloud", "status").exit_code == 0:
            pass
        result = comal("cloud", "stop")
        assert left.wait(timeout=5) == -signal.SIGTERM
    assert result.exit_code == 0
    assert "was not running; what it had left running was ended (processes: 1)" in result.stdout


def test_stopping_nothing_is_no_error(comal, clone):
    result = comal("cloud", "stop")
    assert (result.exit_code, result.stdout.strip()) == (0, "The local cloud was not running.")


def test_a_command_that_needs_the_local_cloud_says_how_to_start_it(comal, clone):
    result = comal("status")
    assert result.exit_code == 1
    assert "comal cloud start" in result.stderr


def test_doctor_finds_the_running_cloud(comal, clone, started):
    findings = {row["check"]: row for row in json.loads(comal("doctor", "--json").stdout)}
    assert f":{started}" in findings["port"]["found"]
    assert findings["layer"]["state"] == "problem"
    assert findings["layer"]["next_step"] == "Run: make setup"
