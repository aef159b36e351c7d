"""`comal demo`, which `make demo` runs: it holds, again and again, also after processes were killed."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.e2e.clone import Clone

TIMEOUT_S = 240


HALF = [sys.executable, "-m", "tests.e2e.first_half"]


def run_half(clone: Clone) -> str:
    """The first half, which what is killed in these tests belongs to; the second takes a minute of alarm periods."""
    done = subprocess.run(
        HALF, cwd=clone.root, env=clone.environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{clone.cloud_log()}"
    return done.stdout


def demo_until(clone: Clone, line: str) -> "subprocess.Popen[str]":
    """A demo that has come to a step; it goes on while the caller does something to it."""
    process = subprocess.Popen(
        HALF,
        cwd=clone.root,
        env=clone.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for seen in process.stdout:
        if line in seen:
            return process
    raise AssertionError(f"the demo ended before '{line}'")


def cloud_pid(clone: Clone) -> int:
    pid: int = clone.json("cloud", "status")["pid"]
    return pid


def test_the_demo_holds_from_nothing(clone):
    told = clone.comal("demo").stdout
    assert "every step held" in told
    assert "0 failed" in told
    assert "one run for the alarm" in told
    assert "read with awswrangler" in told
    assert "comal status tacos" in told


def test_it_holds_again_and_leaves_other_models_alone(clone):
    key = "incoming-of-somebody-else"
    bucket = clone.json("outputs")["buckets"]["lake"]
    clone.client("s3").put_object(Bucket=bucket, Key=f"validated/bikes/v1/dt=2026-01-01/{key}.parquet", Body=b"x")
    assert "every step held" in run_half(clone)
    listed = clone.client("s3").list_objects_v2(Bucket=bucket, Prefix="validated/bikes/")
    assert listed["KeyCount"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("step", ["a model is trained", "week 2 is pushed"])
def test_it_holds_after_the_local_cloud_was_killed_in_its_midst(clone, step):
    process = demo_until(clone, step)
    os.kill(cloud_pid(clone), signal.SIGKILL)
    told, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1, told
    assert "did not hold" in told
    assert "Traceback" not in told
    assert "every step held" in run_half(clone)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["the stack is up", "a model is trained", "the model is retrained"])
def test_it_holds_after_the_demo_itself_was_killed(clone, step):
    process = demo_until(clone, step)
    process.kill()
    process.communicate()
    assert "every step held" in run_half(clone)


@pytest.mark.slow
def test_it_holds_from_a_stack_that_was_destroyed(clone):
    clone.comal("destroy", "--yes")
    assert "every step held" in run_half(clone)


def test_status_of_the_model_after_the_demo_says_what_comes_next(clone):
    (row,) = json.loads(clone.comal("status", "tacos", "--json").stdout)
    assert row["next_step"].startswith("comal invoke tacos")
    assert row["champion"]["version"] == row["endpoint"]["version"]
