import os
import signal
import sys
import time
from pathlib import Path

import pytest

from localcloud.aws.sagemaker.containers import sandbox, supervisor
from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import ExitRecord, Launch, start_time_of


def launch(directory: Path, script: str, grace_s: float = 5.0, max_runtime_s: float | None = None) -> SupervisedProcess:
    (directory / "ml").mkdir(parents=True)
    order = Launch(["sh", "-c", script], "/", dict(os.environ), str(directory / "ml"), grace_s, max_runtime_s)
    return SupervisedProcess.launch(directory, order)


def end_of(process: SupervisedProcess) -> ExitRecord:
    record = process.wait(10)
    assert record is not None
    return record


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists()


def test_each_process_has_an_opt_ml_of_its_own_and_the_host_none_of_it(tmp_path: Path) -> None:
    processes = [launch(tmp_path / name, f"echo {name} > /opt/ml/name; sleep 0.2; cat /opt/ml/name") for name in "ab"]
    assert [end_of(process).returncode for process in processes] == [0, 0]
    assert [(tmp_path / name / "log").read_text() for name in "ab"] == ["a\n", "b\n"]
    assert not Path("/opt/ml/name").exists()


def test_the_rest_of_opt_stays_visible(tmp_path: Path) -> None:
    names = sorted(entry.name for entry in Path("/opt").iterdir() if entry.name != "ml")
    end_of(launch(tmp_path / "a", "ls /opt | grep -vx ml || true"))
    assert (tmp_path / "a/log").read_text().split() == names


def test_an_exit_code_is_recorded_with_its_times(tmp_path: Path) -> None:
    record = end_of(launch(tmp_path / "a", "exit 3"))
    assert (record.returncode, record.reason) == (3, "exited")
    assert record.started_at <= record.ended_at


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    process = launch(tmp_path / "a", "trap '' TERM; touch /opt/ml/up; while true; do sleep 0.02; done", grace_s=0.2)
    wait_for_file(tmp_path / "a/ml/up")
    process.request_stop()
    record = end_of(process)
    assert (record.returncode, record.reason) == (-signal.SIGKILL, "stopped")


def test_what_a_process_leaves_behind_is_ended(tmp_path: Path) -> None:
    end_of(launch(tmp_path / "a", "sleep 60 & echo $! > /opt/ml/pid"))
    left = int((tmp_path / "a/ml/pid").read_text())
    deadline = time.monotonic() + 5
    while start_time_of(left) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not start_time_of(left)


def test_a_program_that_is_not_there_is_said_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    order = Launch(["/no/such/program"], "/", {}, str(tmp_path / "ml"), 1.0)
    assert end_of(SupervisedProcess.launch(tmp_path, order)).returncode == 126
    assert "No such file or directory" in (tmp_path / "log").read_text()


def test_a_process_is_found_again_by_its_directory(tmp_path: Path) -> None:
    process = launch(tmp_path / "a", "sleep 60")
    found = SupervisedProcess.find(tmp_path / "a")
    assert found is not None
    assert found.is_running
    assert found.wait(0.01) is None
    found.kill()
    assert end_of(process).reason == "lost"
    assert SupervisedProcess.find(tmp_path / "b") is None


def test_without_user_namespaces_the_environment_names_the_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(sandbox, "enter", refuse)
    env = {"SM_MODEL_DIR": "/opt/ml/model", "OTHER": "/opt/ml/kept"}
    order = Launch([sys.executable], "/", env, "/somewhere/ml", 1.0)
    assert supervisor._environment(order, tmp_path) == {
        "SM_MODEL_DIR": "/somewhere/ml/model",
        "OTHER": "/opt/ml/kept",
        "SAGEMAKER_BASE_DIR": "/somewhere/ml",
    }
    assert "no private /opt/ml" in capfd.readouterr().err
