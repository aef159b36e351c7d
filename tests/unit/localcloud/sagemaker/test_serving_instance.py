import os
import sys
from functools import partial
from pathlib import Path

import pytest

from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import Launch
from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.instance import Instance

# Listens and never answers, or answers with an error.
SERVER = """
import socket, sys, time
print("listening", flush=True)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
while True:
    connection, _ = server.accept()
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 500 Internal Server Error\\r\\ncontent-length: 0\\r\\n\\r\\n")
    connection.close()
"""


def make_instance(directory: Path, *command: str) -> Instance:
    directory.mkdir(exist_ok=True)
    launch = Launch([sys.executable, "-c", *command], "/", dict(os.environ), str(directory / "ml"), grace_s=1.0)
    (directory / "ml").mkdir()
    return Instance("A", 0, directory, directory / "s.sock", partial(SupervisedProcess.launch, directory, launch))


def test_a_container_that_never_answers_200_fails_with_its_last_line(tmp_path: Path) -> None:
    instance = make_instance(tmp_path / "i", SERVER, str(tmp_path / "i/s.sock"))
    instance.launch()
    with pytest.raises(ContainerFailure, match=r"did not pass the ping health check.*Its last line: listening"):
        instance.await_ready(0.3)
    assert not instance.ready
    instance.begin_stop()
    instance.finish_stop(5)


def test_a_container_that_ends_at_its_start_fails_at_once(tmp_path: Path) -> None:
    instance = make_instance(tmp_path / "i", "import sys; sys.exit('no model here')")
    instance.launch()
    with pytest.raises(ContainerFailure, match="The container ended: no model here, exit code: 1"):
        instance.await_ready(60)
