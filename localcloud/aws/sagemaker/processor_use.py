"""How much of an instance its processes use: processor, memory and GPU, as SageMaker's instance metrics say it.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-jobs
https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MACHINE_BYTES = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES
_GIB = 1024**3
# https://aws.amazon.com/ec2/instance-types/: memory for each processor of the compute, general and memory families
_GIB_PER_PROCESSOR = {"c": 2, "m": 4, "r": 8}
_INSTANCE = re.compile(r"ml\.([a-z])\d\w*\.(?:(large)|(\d*)xlarge)")
_GPU_INSTANCES = ("ml.g", "ml.p")
_GPU_QUERY = ("--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")
_GPU_TIMEOUT_S = 10.0


class ProcessorUse:
    """Reads processes; processor time counts since it last read the same process."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, float]] = {}

    def read(self, pids: Sequence[int], instance_type: str) -> dict[str, list[float]]:
        """Use of each instance in percent: 100 is one processor, and the whole memory or GPU of the instance.

        Args:
            pids: The first process of each instance; what it has started counts with it. One that has ended is left
                out: what no longer runs uses nothing, and is no instance at rest.
            instance_type: Of all of them; empty for serverless.
        """
        processor, memory = [], []
        for pid in pids:
            tree = list(_tree(pid))
            resident_bytes = sum(_resident_bytes(one) for one in tree)
            if not resident_bytes:
                continue
            memory.append(100 * resident_bytes / memory_bytes(instance_type))
            now, used_s = time.monotonic(), sum(_processor_s(one) for one in tree)
            before, used_before_s = self._seen.get(pid, (now, used_s))
            self._seen[pid] = (now, used_s)
            if now > before:
                processor.append(100 * max(0.0, used_s - used_before_s) / (now - before))
        used = {"CPUUtilization": processor, "MemoryUtilization": memory}
        if pids and instance_type.startswith(_GPU_INSTANCES):
            used |= _gpu_use()
        return used


def memory_bytes(instance_type: str) -> int:
    """Memory of an instance type; this machine's for a family without a fixed share."""
    found = _INSTANCE.fullmatch(instance_type)
    if found is None or found[1] not in _GIB_PER_PROCESSOR:
        return _MACHINE_BYTES
    processors = 2 if found[2] else 4 * int(found[3] or 1)
    return processors * _GIB_PER_PROCESSOR[found[1]] * _GIB


def _tree(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(children).split():
            yield from _tree(int(child))


def _processor_s(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S if fields else 0.0


def _resident_bytes(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * _PAGE_BYTES if fields else 0


def _read(path: Path) -> str:
    """Text of a file of /proc; empty when the process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _gpu_use() -> dict[str, list[float]]:
    """Use of this machine's GPUs; nothing where it has none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return {}
    asked = subprocess.run([command, *_GPU_QUERY], capture_output=True, text=True, timeout=_GPU_TIMEOUT_S, check=False)
    if asked.returncode:
        return {}
    rows = [[cell.strip() for cell in line.split(",")] for line in asked.stdout.splitlines() if line.strip()]
    # A GPU that is shared out says [N/A] of what it does not measure.
    busy = [float(row[0]) for row in rows if row[0].isdigit()]
    memory = [100 * float(row[1]) / float(row[2]) for row in rows if row[1].isdigit() and row[2].isdigit()]
    return {"GPUUtilization": busy, "GPUMemoryUtilization": memory}
