"""The patches refuse another MiniStack than theirs, and say what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.errors import SubstrateError

IDLE_WORKERS = """
import os, time
from pathlib import Path
from types import SimpleNamespace
from localcloud.aws.environment import apply_environment, edge_environment
apply_environment(edge_environment(os.environ, Path("."), 4566))
from localcloud.aws.ministack_patches import workers
from ministack.core import lambda_runtime

def worker(idle_s, in_use=False):
    return SimpleNamespace(in_use=in_use, last_used=time.time() - idle_s, _proc=None, _discard_tmpdir=lambda: None)

pools = {"only": [worker(301)], "busy": [worker(301, True), worker(299)], "two": [worker(500), worker(501)]}
lambda_runtime._workers.update(pools)
assert workers.reap_idle_workers() == 3
assert [len(pool) for pool in lambda_runtime._workers.values()] == [0, 2, 0]
"""

CHECKS = """
import os, sys
from pathlib import Path
from localcloud.aws.environment import apply_environment, edge_environment
from localcloud.errors import SubstrateError
apply_environment(edge_environment(os.environ, Path("."), 4566))
from localcloud.aws.ministack_patches import substrate
missing = {"ministack.app": ["_not_there"]}
for check in (lambda: substrate.check_version("1.6.0"), lambda: substrate.check_names(missing)):
    try:
        check()
    except SubstrateError as error:
        print(error)
substrate.check_version()
"""


def run(code: str, directory: Path) -> str:
    """In a process of its own: MiniStack reads its settings from the environment when it is imported."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=directory, capture_output=True, text=True, check=True
    ).stdout


def test_another_version_and_a_missing_name_are_refused_with_the_remedy(tmp_path: Path) -> None:
    assert run(CHECKS, tmp_path).splitlines() == [
        "MiniStack 1.5.33 is expected, 1.6.0 is installed. Install the pinned packages again: make setup",
        "ministack.app has no _not_there, which a patch needs. Install the pinned packages again: make setup",
    ]


def test_every_worker_goes_after_five_idle_minutes_the_last_one_too(tmp_path: Path) -> None:
    run(IDLE_WORKERS, tmp_path)


def test_an_error_states_what_was_found_and_the_next_step() -> None:
    with pytest.raises(SubstrateError) as caught:
        raise SubstrateError("Found.", "Do.")
    assert (caught.value.message, caught.value.next_step, str(caught.value)) == ("Found.", "Do.", "Found. Do.")
