"""Which instances a training job runs on.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html#your-algorithms-training-algo-running-container-dist-training
"""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# SageMaker lets the hosts of a job talk on every port; these are below those that systems give out themselves.
_FIRST_PORT, _PORTS = 10_000, 20_000


@dataclass(frozen=True)
class Hosts:
    """The hosts of a job.

    Attributes:
        names: Of all of them, sorted; every host finds the others by these.
        current: This one's.
        job: Name of the job.
    """

    names: tuple[str, ...] = ("algo-1",)
    current: str = "algo-1"
    job: str = ""

    @classmethod
    def read(cls, resource_config: Path, environment: Mapping[str, str] = os.environ) -> "Hosts":
        """What SageMaker says; a job without the file runs on one host."""
        if not resource_config.exists():
            return cls()
        document = json.loads(resource_config.read_bytes())
        current = str(document.get("current_host", cls.current))
        names = tuple(sorted(document.get("hosts", [current])))
        return cls(names, current, environment.get("TRAINING_JOB_NAME", ""))

    @property
    def port(self) -> int:
        """Where the first host listens: by the job's name, so that jobs on one machine do not meet."""
        return _FIRST_PORT + zlib.crc32(self.job.encode()) % _PORTS

    @property
    def first(self) -> str:
        """The host that evaluates and saves."""
        return self.names[0]

    @property
    def others(self) -> tuple[str, ...]:
        """All but the first."""
        return self.names[1:]

    @property
    def rank(self) -> int:
        """Place of this host, from 0."""
        return self.names.index(self.current)
