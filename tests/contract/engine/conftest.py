"""A project of its own for each test, on the session's local cloud."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.engine.stack_folder import StackFolder, make_stack_folder
from tests.running_cloud import RunningCloud


@pytest.fixture
def prefix() -> str:
    """What the names of this test's resources begin with."""
    return f"e{uuid.uuid4().hex[:8]}"


@pytest.fixture
def folder(tmp_path: Path, cloud: RunningCloud) -> Iterator[StackFolder]:
    """Destroyed after the test, whatever the test left."""
    made = make_stack_folder(tmp_path / "project", cloud.url)
    yield made
    if made.state_file.exists():
        made.destroy()
