"""Starting, finding and stopping the local cloud, and every way in which that can go wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from localcloud import cloud as local_cloud
from localcloud.errors import AlreadyRunningError, PortTakenError, StartError, StateDirectoryError
from localcloud.processes import find_family, find_process, is_listening
from tests.running_cloud import REPOSITORY, find_free_port


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    local_cloud.stop(tmp_path / "state")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.json"
    path.write_text("{}")
    return path


def test_a_started_cloud_answers_is_found_and_leaves_nothing_when_it_is_stopped(state_dir: Path, images: Path) -> None:
    port = find_free_port()
    info = local_cloud.start(state_dir, port, images)
    assert (info.port, info.url) == (port, f"http://127.0.0.1:{port}")
    assert local_cloud.status(state_dir) == info
    assert json.loads((state_dir / "cloud.json").read_text())["pid"] == info.pid
    identity = boto3.client(
        "sts", endpoint_url=info.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="x"
    ).get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"

    assert local_cloud.stop(state_dir) > 0
    assert local_cloud.status(state_dir) is None
    assert find_process(info.pid) is None
    assert find_family(info.pid, state_dir) == []
    assert not is_listening(port)
    assert local_cloud.stop(state_dir) == 0


def test_a_second_start_is_refused_and_says_where_the_first_one_is(state_dir: Path, images: Path) -> None:
    info = local_cloud.start(state_dir, find_free_port(), images)
    with pytest.raises(AlreadyRunningError, match=rf"runs already, on {info.url} \(process {info.pid}\)"):
        local_cloud.start(state_dir, find_free_port(), images)
    second = subprocess.run(
        [sys.executable, "-m", "localcloud.aws", "--state-dir", state_dir, "--port", "0", "--images", images],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"(process {info.pid}). Use it or stop it." in second.stderr
    assert local_cloud.status(state_dir) == info


def test_a_taken_port_names_its_owner(state_dir: Path, images: Path) -> None:
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        port = int(owner.stdout.readline())
        with pytest.raises(PortTakenError, match=rf"Port {port} is taken by process {owner.pid} \(.*socket") as caught:
            local_cloud.start(state_dir, port, images)
        owner.kill()
    assert caught.value.next_step == "Stop it, or choose another port with --port."


def test_after_kill_9_the_next_start_heals_record_and_lock_and_keeps_the_port(state_dir: Path, images: Path) -> None:
    first = local_cloud.start(state_dir, find_free_port(), images)
    os.kill(first.pid, signal.SIGKILL)
    while local_cloud.status(state_dir):
        pass
    second = local_cloud.start(state_dir, None, images)
    assert second.port == first.port
    assert second.pid != first.pid


def test_a_record_that_makes_no_sense_counts_as_none(state_dir: Path, images: Path) -> None:
    state_dir.mkdir()
    for text in ("", "{", "[]", '{"port": "x"}', '{"pid": 1}'):
        (state_dir / "cloud.json").write_text(text)
        assert local_cloud.status(state_dir) is None
    own_pid = {"port": 1, "pid": os.getpid(), "process_start_ticks": 1, "started_at": 0}
    (state_dir / "cloud.json").write_text(json.dumps(own_pid))
    assert local_cloud.status(state_dir) is None, "a later process with the same pid is not ours"
    assert local_cloud.start(state_dir, find_free_port(), images).pid != os.getpid()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, images: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateDirectoryError, match="file/state cannot be written"):
        local_cloud.start(tmp_path / "file" / "state", find_free_port(), images)


def test_a_full_disk_is_named_before_anything_starts(
    state_dir: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_cloud, "MIN_FREE_BYTES", 2**62)
    with pytest.raises(StateDirectoryError, match="MiB are free on the disk of"):
        local_cloud.start(state_dir, find_free_port(), images)
    assert not (state_dir / "cloud.json").exists()


def test_a_process_that_ends_while_it_starts_is_quoted(
    state_dir: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_cloud, "is_listening", lambda _port: False)
    message = "ended while it started: Port [0-9]+ on 127[.]0[.]0[.]1 cannot be used: Address already in use"
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match=message):
        local_cloud.start(state_dir, taken.getsockname()[1], images)
