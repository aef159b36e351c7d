"""The metrics of endpoints before CloudWatch has them; over HTTP they are in tests/contract/sagemaker."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from localcloud.aws.clock import Clock
from localcloud.aws.metrics import Datum
from localcloud.aws.sagemaker.endpoint_metrics import EndpointMetrics, Invocation, invocation_data
from localcloud.aws.sagemaker.processor_use import ProcessorUse, memory_bytes
from localcloud.aws.sagemaker.routes import Routes
from localcloud.aws.sagemaker.scope import Scope

SCOPE = Scope("000000000000", "us-east-1")


class RecordingMetrics:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str, Datum]] = []

    def put(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        self.heard += [(account, region, namespace, datum) for datum in data]


def call(status: int = 200, moment: float = 100.25, instances: int = 4, model_s: float = 0.01) -> Invocation:
    return Invocation(SCOPE, "shop", "AllTraffic", instances, status, moment, model_s, model_s + 0.0005)


def named(data: Sequence[Datum], name: str) -> Datum:
    (found,) = [datum for datum in data if datum.name == name]
    return found


def test_calls_of_one_second_are_one_datum_of_each_metric() -> None:
    data = invocation_data([call(), call(422), call(500), call(model_s=0.02)])
    assert {datum.name for datum in data} == {
        "Invocations",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "InvocationsPerInstance",
        "ModelLatency",
        "OverheadLatency",
    }
    assert all(datum.dimensions == {"EndpointName": "shop", "VariantName": "AllTraffic"} for datum in data)
    assert all(datum.timestamp == 100.0 for datum in data)
    invocations = named(data, "Invocations")
    assert (invocations.values, invocations.counts, invocations.unit) == ([1.0], [4.0], "None")
    share = named(data, "Invocation4XXErrors")
    assert dict(zip(share.values, share.counts, strict=True)) == {0.0: 3.0, 1.0: 1.0}
    per_instance = named(data, "InvocationsPerInstance")
    assert (per_instance.values, per_instance.counts) == ([0.25], [4.0])
    latency = named(data, "ModelLatency")
    assert dict(zip(latency.values, latency.counts, strict=True)) == {10_000.0: 3.0, 20_000.0: 1.0}
    assert latency.unit == "Microseconds"
    assert named(data, "OverheadLatency").values == [500.0]


def test_each_second_has_data_of_its_own() -> None:
    data = invocation_data([call(moment=100.9), call(moment=101.1)])
    assert [datum.timestamp for datum in data if datum.name == "Invocations"] == [100.0, 101.0]


def test_calls_are_published_by_the_thread_and_the_rest_at_the_end(tmp_path: Path) -> None:
    heard = RecordingMetrics()
    metrics = EndpointMetrics(heard, Clock(tmp_path / "clock.json"), Routes())
    metrics.start()
    metrics.count(call())
    deadline = time.monotonic() + 10
    while not heard.heard and time.monotonic() < deadline:
        time.sleep(0.02)
    published = len(heard.heard)
    assert published == 6
    metrics.count(call())
    metrics.stop()
    assert len(heard.heard) == 2 * published
    assert {entry[:3] for entry in heard.heard} == {("000000000000", "us-east-1", "AWS/SageMaker")}


def test_a_busy_process_uses_a_processor_and_its_children_count() -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with subprocess.Popen([sys.executable, "-c", nested], start_new_session=True) as process:
        try:
            use = ProcessorUse()
            use.read([process.pid], "ml.c6i.large")
            deadline = time.monotonic() + 10
            busy = [0.0]
            while busy[0] < 20 and time.monotonic() < deadline:
                time.sleep(0.2)
                busy = use.read([process.pid], "ml.c6i.large")["CPUUtilization"]
            assert 20 <= busy[0] <= 110
            (memory,) = use.read([process.pid], "ml.c6i.large")["MemoryUtilization"]
            assert 0.1 < memory < 5
        finally:
            os.killpg(process.pid, 9)


def test_a_process_that_has_ended_is_not_measured() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    use = ProcessorUse()
    use.read([process.pid], "")
    (memory,) = use.read([process.pid, os.getpid()], "")["MemoryUtilization"]
    assert memory > 0


@pytest.mark.parametrize(
    ("instance_type", "gib"),
    [("ml.c6i.large", 4), ("ml.m5.xlarge", 16), ("ml.m5.4xlarge", 64), ("ml.r5.2xlarge", 64)],
)
def test_memory_is_that_of_the_instance_type(instance_type: str, gib: int) -> None:
    assert memory_bytes(instance_type) == gib * 1024**3


@pytest.mark.parametrize("instance_type", ["", "ml.t2.medium", "ml.g4dn.xlarge"])
def test_memory_of_other_types_is_this_machines(instance_type: str) -> None:
    assert memory_bytes(instance_type) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_gpu_is_read_only_for_an_instance_type_that_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho '37, 1024, 4096'; echo '[N/A], 2048, 4096'\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    used = ProcessorUse().read([os.getpid()], "ml.g5.xlarge")
    assert (used["GPUUtilization"], used["GPUMemoryUtilization"]) == ([37.0], [25.0, 50.0])
    assert "GPUUtilization" not in ProcessorUse().read([os.getpid()], "ml.c6i.large")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert "GPUUtilization" not in ProcessorUse().read([os.getpid()], "ml.g5.xlarge")
