"""Cutting a transform job's input into requests, and putting the answers together again.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from localcloud.aws.sagemaker.errors import ContainerFailure, ValidationError
from localcloud.aws.sagemaker.store import Document

_MIB = 1024 * 1024
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html (MaxPayloadInMB)
_DEFAULT_PAYLOAD_MIB = 6
_SPLITS, _ASSEMBLIES = ("None", "Line"), ("None", "Line")


def check_data_processing(request: Document) -> None:
    """Refuses what is not done on this machine.

    Raises:
        ValidationError: Another way to split, join or filter is asked for.
    """
    split = request["TransformInput"].get("SplitType", "None")
    if split not in _SPLITS:
        raise ValidationError(f"SplitType {split} is not done on this machine; use one of {', '.join(_SPLITS)}.")
    if request.get("MaxPayloadInMB") == 0 or request["TransformInput"].get("CompressionType", "None") != "None":
        raise ValidationError("MaxPayloadInMB 0 (chunks) and compressed input are not done on this machine.")
    processing = request.get("DataProcessing", {})
    if processing.get("JoinSource", "None") != "None" or set(processing) - {"JoinSource"}:
        raise ValidationError("DataProcessing (JoinSource, InputFilter, OutputFilter) is not done on this machine.")


def max_payload_bytes(job: Document) -> int:
    """Longest body of a request."""
    return int(job.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MIB)) * _MIB


def payloads(path: Path, job: Document) -> Iterator[bytes]:
    """Bodies of the requests of one input file, in its order; lines are read one by one.

    Raises:
        ContainerFailure: A file or a line is longer than MaxPayloadInMB.
    """
    limit = max_payload_bytes(job)
    if job["TransformInput"].get("SplitType", "None") == "None":
        if path.stat().st_size > limit:
            raise _too_long(path.name, limit)
        yield path.read_bytes()
        return
    is_single = job.get("BatchStrategy", "MultiRecord") == "SingleRecord"
    chunk: list[bytes] = []
    size = 0
    with path.open("rb") as lines:
        for line in lines:
            if len(line) > limit:
                raise _too_long(f"a line of {path.name}", limit)
            if chunk and (is_single or size + len(line) > limit):
                yield b"".join(chunk)
                chunk, size = [], 0
            chunk.append(line)
            size += len(line)
    if chunk:
        yield b"".join(chunk)


def assembled(answers: Sequence[bytes], job: Document) -> bytes:
    """The output file of one input file."""
    if job["TransformOutput"].get("AssembleWith", "None") == "Line":
        return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
    return b"".join(answers)


def _too_long(what: str, limit: int) -> ContainerFailure:
    return ContainerFailure(
        f"ClientError: {what} is longer than MaxPayloadInMB ({limit // _MIB}); raise it, or set SplitType to Line."
    )
