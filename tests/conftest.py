"""Fixtures that every room's tests may use: a running local cloud over real HTTP."""

from collections.abc import Iterator

import pytest

from tests.running_cloud import RunningCloud, start_cloud, stop_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """One local cloud for the whole session; tests keep apart by unique resource names."""
    running = start_cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    stop_cloud(running)
