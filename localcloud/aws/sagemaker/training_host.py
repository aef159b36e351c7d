"""One instance of a training job: its /opt/ml, its process and its log."""

from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.sagemaker.containers.processes import SupervisedProcess
from localcloud.aws.sagemaker.containers.records import LOG, ExitRecord


@dataclass
class TrainingHost:
    """A host, known by the directory of its process.

    Attributes:
        name: What the other hosts find it by.
        directory: Holds its /opt/ml, its log and the records of its process.
        process: None before it was started or found.
    """

    name: str
    directory: Path
    process: SupervisedProcess | None = None

    @property
    def ml(self) -> Path:
        """Its /opt/ml."""
        return self.directory / "ml"

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.directory / LOG

    @property
    def temporary(self) -> Path:
        """A private directory for temporary files."""
        return self.directory / "tmp"

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.is_running

    @property
    def failure(self) -> str:
        """What it wrote to /opt/ml/output/failure."""
        path = self.ml / "output/failure"
        return path.read_text(errors="replace") if path.is_file() else ""

    def find(self) -> bool:
        """Whether an earlier emulator has started its process; it is taken over."""
        self.process = SupervisedProcess.find(self.directory)
        return self.process is not None

    def request_stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace time."""
        if self.process is not None:
            self.process.request_stop()

    def kill(self) -> None:
        """Ends its process at once."""
        if self.process is not None:
            self.process.kill()

    def wait(self, timeout_s: float) -> ExitRecord | None:
        """How its process ended, or None when it still runs after the timeout."""
        assert self.process is not None  # it was started
        return self.process.wait(timeout_s)


def failed(record: ExitRecord) -> bool:
    """Whether a process ended by itself, and badly."""
    return record.returncode is None or (record.reason == "exited" and record.returncode != 0)
