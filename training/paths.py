"""Where SageMaker puts a job's inputs and collects its outputs, below a base that tests and local runs choose.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASE_VARIABLE = "SAGEMAKER_BASE_DIR"
DEFAULT_BASE = "/opt/ml"


@dataclass(frozen=True)
class TrainPaths:
    """The folders of one job or endpoint below `base`."""

    base: Path = Path(DEFAULT_BASE)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "TrainPaths":
        """Paths below SAGEMAKER_BASE_DIR, or below /opt/ml where it is not set."""
        return cls(Path(environment.get(BASE_VARIABLE, DEFAULT_BASE)))

    @property
    def config(self) -> Path:
        """Folder of hyperparameters.json, inputdataconfig.json and resourceconfig.json."""
        return self.base / "input" / "config"

    def channel(self, name: str) -> Path:
        """Folder of an input channel; absent when the job has no such channel."""
        return self.base / "input" / "data" / name

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz; at serving, the unpacked artifact."""
        return self.base / "model"

    @property
    def output(self) -> Path:
        """What becomes output.tar.gz."""
        return self.base / "output" / "data"

    @property
    def checkpoints(self) -> Path:
        """What a job that is started again finds as it left it."""
        return self.base / "checkpoints"

    @property
    def failure(self) -> Path:
        """Its first 1,024 characters become the job's FailureReason."""
        return self.base / "output" / "failure"
