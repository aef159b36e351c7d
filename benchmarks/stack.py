"""How long the whole stack takes on the local cloud: up, a second up that changes nothing, destroy.

The peer, the Pulumi CLI against LocalStack, is not measured: neither can be had without an account and Docker.
"""

import argparse
import json
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks._report import Goal, Measurement, report
from localcloud import cloud
from localcloud.engine import Engine, Summary

REPOSITORY = Path(__file__).resolve().parents[1]
STACK = "local"
WANTED_S = {"up": 15.0, "no-op": 3.0, "destroy": 8.0}
_PEER = "Pulumi CLI + LocalStack"
_MIB_PER_KIB = 1 / 1024


def measure(directory: Path, repeats: int) -> list[Measurement]:
    """Time each operation on a fresh local cloud; of the no-ops, the median."""
    info = cloud.start(directory / "cloud", _free_port(), _images(directory))
    try:
        engine = Engine(REPOSITORY, STACK, directory / "stack.json", info.url)
        up = _time("up", engine.up, wanted="create")
        noops = sorted((_time("no-op", engine.up, wanted="same") for _ in range(repeats)), key=_seconds)
        destroy = _time("destroy", engine.destroy, wanted="delete")
    finally:
        cloud.stop(directory / "cloud")
    return [up, noops[len(noops) // 2], destroy]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--quick", action="store_true", help="one no-op instead of five")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        ours = measure(Path(directory), repeats=1 if options.quick else 5)
    goals = [
        Goal(f"{one.path} of the full stack", f"<= {WANTED_S[one.path]:.0f} s", f"{one.value:.2f} s", _is_met(one))
        for one in ours
    ]
    peers = [Measurement(path, _PEER, "peer", None, "s") for path in WANTED_S]
    goals.append(Goal("faster than the peer", "each path", "peer absent", None))
    report([*ours, *peers], goals, as_json=options.json)


def _time(path: str, operation: Callable[[], Summary], *, wanted: str) -> Measurement:
    started, cpu_started = time.perf_counter(), time.process_time()
    summary = operation()
    value, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    done = {kind for kind, count in summary.counts.items() if count}
    if summary.failures or done != {wanted}:
        sys.exit(f"{path} did {summary.counts}, failures: {summary.failures}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MIB_PER_KIB
    contender = f"local engine, {summary.counts[wanted]} resources"
    return Measurement(path, contender, "ours", value, "s", cpu_s, peak_mb)


def _seconds(measurement: Measurement) -> float:
    assert measurement.value is not None  # ours are always measured
    return measurement.value


def _is_met(measurement: Measurement) -> bool:
    return _seconds(measurement) <= WANTED_S[measurement.path]


def _images(directory: Path) -> Path:
    stack = yaml.safe_load((REPOSITORY / f"stacks/Pulumi.{STACK}.yaml").read_text())
    container = {"command": [sys.executable, "-m", "training"], "cwd": str(REPOSITORY), "env": {}}
    path = directory / "images.json"
    path.write_text(json.dumps({stack["config"]["comal:imageUri"]: container}))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
