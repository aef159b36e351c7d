"""Contenders, each in a process of its own: what it takes in seconds, CPU seconds and memory, imports left out."""

import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from benchmarks._report import Measurement
from training.absent import hide

# A peer has an environment of its own, found at <COMAL_PEERS>/<peer>/bin/python (`make bench-peers` installs it); its
# script prints what it took.
_PEER_SCRIPTS = Path(__file__).resolve().parent / "peers"
_MIB_PER_KIB = 1 / 1024

Took = dict[str, float]
Work = Callable[..., None]


def in_a_process(work: Work, *arguments: object) -> Took:
    """What one run takes: value (seconds), cpu_s, peak_mb. A process of its own tells its own memory."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_timed, args=(there, work, *arguments))
    process.start()
    # Ours no longer: a process that fails is the end of the pipe.
    there.close()
    took: Took = here.recv()
    process.join()
    return took


def ask_peer(peer: str, script: str, *arguments: object) -> Took | None:
    """What a peer's script prints that it took; None where the peer is not installed."""
    python = Path(os.environ.get("COMAL_PEERS", ".comal/peers")) / peer / "bin/python"
    if not python.exists():
        return None
    command = [str(python), str(_PEER_SCRIPTS / f"{script}_{peer}.py"), *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    took: Took = json.loads(answer.stdout.splitlines()[-1])
    return took


def median(runs: list[Took]) -> Took:
    """The run in the middle, by its seconds."""
    return sorted(runs, key=lambda took: took["value"])[len(runs) // 2]


def measurement(path: str, contender: str, role: Literal["peer", "ours", "limit"], took: Took | None) -> Measurement:
    """A row of the report; empty for a contender that is not there."""
    if took is None:
        return Measurement(path, contender, role, None, "s")
    return Measurement(path, contender, role, took["value"], "s", took["cpu_s"], took["peak_mb"])


def peak_mb(pid: int | Literal["self"]) -> float:
    """Most memory that a process has held; getrusage would tell its parent's, where that is higher."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * _MIB_PER_KIB


def _timed(pipe: Connection, work: Work, *arguments: object) -> None:
    # pyarrow imports it where it is installed, which is neither in the image nor in the layer.
    hide("pandas")
    started, cpu_started = time.perf_counter(), time.process_time()
    work(*arguments)
    took = {"value": time.perf_counter() - started, "cpu_s": time.process_time() - cpu_started}
    pipe.send({**took, "peak_mb": peak_mb("self")})
