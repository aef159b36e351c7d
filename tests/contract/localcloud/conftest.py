"""The edge with a fake service of ours behind it."""

from collections.abc import Iterator

import pytest

from tests.contract.localcloud.resources import read_journal, start_fake_edge
from tests.running_cloud import RunningCloud, stop_cloud


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """The edge with `fake_edge.EchoService` as SageMaker."""
    running = start_fake_edge(tmp_path_factory.mktemp("echo"))
    yield running
    stop_cloud(running)
    assert running.process.returncode == 0
    lines = read_journal(running)
    assert lines[:2] == ["sagemaker started", "sagemaker-runtime started"]
    assert lines[-2:] == ["sagemaker-runtime stopped", "sagemaker stopped"]
