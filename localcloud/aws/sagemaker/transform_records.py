"""Cutting a transform job's input into requests, and putting the answers together again.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.sagemaker.data_processing import DataProcessing
from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.store import Document
from localcloud.aws.sagemaker.transform_parameters import TransformParameters

_SPLITS = ("None", "Line")


@dataclass(frozen=True, slots=True)
class Payload:
    """One request.

    Attributes:
        body: What the container gets.
        records: What its records were before they were filtered; kept only where that is needed again.
    """

    body: bytes
    records: tuple[bytes, ...] = ()


def check_input(request: Document) -> None:
    """Refuses input that is not read on this machine.

    Raises:
        ValidationError: Another way to split, or compressed input.
    """
    split = request["TransformInput"].get("SplitType", "None")
    if split not in _SPLITS:
        raise ValidationError(f"SplitType {split} is not done on this machine; use one of {', '.join(_SPLITS)}.")
    if request["TransformInput"].get("CompressionType", "None") != "None":
        raise ValidationError("Compressed input is not done on this machine.")


class Records:
    """The records of one job's files."""

    def __init__(self, job: Document, parameters: TransformParameters) -> None:
        self._is_split = job["TransformInput"].get("SplitType", "None") == "Line"
        self._ends_lines = job["TransformOutput"].get("AssembleWith", "None") == "Line"
        self._parameters = parameters
        self._processing = DataProcessing(job)

    def payloads(self, path: Path) -> Iterator[Payload]:
        """The requests of one file, in its order; read as they are asked for.

        Raises:
            ContainerFailure: A file or a line is longer than MaxPayloadInMB, or cannot be filtered.
        """
        if not self._is_split:
            self._check_length(path.stat().st_size, path.name)
            yield self._payload([path.read_bytes()])
            return
        records: list[bytes] = []
        size = 0
        with path.open("rb") as lines:
            for line in lines:
                self._check_length(len(line), f"a line of {path.name}")
                if records and (
                    self._parameters.is_single_record or size + len(line) > self._parameters.max_payload_bytes
                ):
                    yield self._payload(records)
                    records, size = [], 0
                records.append(line)
                size += len(line)
        if records:
            yield self._payload(records)

    def output(self, payload: Payload, answer: bytes) -> bytes:
        """What the answer to a request adds to its file's output.

        Raises:
            ContainerFailure: The answer cannot be joined with its records.
        """
        if self._processing.is_needed:
            return self._processing.output(payload.records, answer)
        return answer + b"\n" if self._ends_lines and not answer.endswith(b"\n") else answer

    def _payload(self, records: list[bytes]) -> Payload:
        if not self._processing.is_needed:
            return Payload(b"".join(records))
        return Payload(b"".join(map(self._processing.request, records)), tuple(records))

    def _check_length(self, length: int, what: str) -> None:
        if length > self._parameters.max_payload_bytes:
            raise ContainerFailure(
                f"ClientError: {what} is longer than MaxPayloadInMB ({self._parameters.max_payload_mb}); raise it, or "
                "set SplitType to Line."
            )
