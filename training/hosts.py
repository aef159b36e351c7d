"""Which instances a training job runs on.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html#your-algorithms-training-algo-running-container-dist-training
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Hosts:
    """The hosts of a job.

    Attributes:
        names: Of all of them, sorted; every host finds the others by these.
        current: This one's.
    """

    names: tuple[str, ...] = ("algo-1",)
    current: str = "algo-1"

    @classmethod
    def read(cls, resource_config: Path) -> "Hosts":
        """What SageMaker says; a job without the file runs on one host."""
        if not resource_config.exists():
            return cls()
        document = json.loads(resource_config.read_bytes())
        current = str(document.get("current_host", cls.current))
        return cls(tuple(sorted(document.get("hosts", [current]))), current)

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
