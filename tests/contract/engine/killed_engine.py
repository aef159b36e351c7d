"""Runs `up` again and again, killed at each write of the state: `python killed_engine.py ROOT URL`, JSON lines out.

In a process of its own that forks for each run, so that the SDK is imported once.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi_aws  # noqa: F401  # warm for every fork

from localcloud.engine import Engine
from localcloud.engine.state import State, StateFile

STACK = "local"
save = StateFile.save


def killed_at(count: int, *, before: bool) -> Callable[[StateFile, State], None]:
    """A save that ends the process at its `count`-th call, before or after it has written."""
    calls = 0

    def save_or_die(self: StateFile, state: State) -> None:
        nonlocal calls
        calls += 1
        if calls == count and before:
            os.kill(os.getpid(), signal.SIGKILL)
        save(self, state)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)

    return save_or_die


def in_fork(work: Callable[[], Any]) -> dict[str, Any]:
    """What `work` returns, or that it was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            json.dump(work(), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return {"killed": os.WTERMSIG(status)}
    result: dict[str, Any] = json.loads(said)
    return result


def main(root: Path, url: str, then: str) -> None:
    """For each write and both sides of it: a killed `up`, then `then` (up or destroy), then what it did."""
    engine = Engine(root, STACK, root / "state.json", url)

    def run(operation: str) -> dict[str, Any]:
        summary = getattr(engine, operation)()
        return {"counts": summary.counts, "failures": summary.failures}

    count = 0
    while True:
        count += 1
        for before in (True, False):

            def killed(count: int = count, before: bool = before) -> dict[str, Any]:
                StateFile.save = killed_at(count, before=before)  # type: ignore[method-assign]
                return run("up")

            first = in_fork(killed)
            second = in_fork(lambda: run(then))
            report = {"write": count, "before": before, "first": first, "second": second}
            sys.stdout.write(json.dumps(report) + "\n")
            sys.stdout.flush()
            if sys.stdin.readline().strip() != "go":
                return
            in_fork(lambda: run("destroy"))
            if "killed" not in first:
                return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
