"""Reading a capture file line by line, however long it is or whatever stands in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from comal.recipe import Recipe
from lambdas.monitor_endpoint.capture_line import UnreadableLineError, read_line
from lambdas.monitor_endpoint.captured_rows import CapturedRowWriter

# A call and its answer in base64: SageMaker takes 6 MB for years, and 25 MB of late.
# https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-test-endpoints.html
MAX_LINE_BYTES = 80 << 20
_MAX_REASONS = 5


@dataclass
class CaptureReading:
    """What a capture file held.

    Attributes:
        rows: Rows of each version.
        latest: Time of the newest of them.
        day: When the oldest call was answered; None where no line could be read.
        unreadable: Lines that are no captured call.
        reasons: Why, of the first few.
    """

    rows: dict[int, int] = field(default_factory=dict)
    latest: dict[int, datetime] = field(default_factory=dict)
    day: date | None = None
    unreadable: int = 0
    reasons: list[str] = field(default_factory=list)


def read_capture(path: Path, typed_path: Path, recipe: Recipe) -> CaptureReading:
    """Write the rows of a capture file as Parquet; no file is written where no line can be read."""
    found = CaptureReading()
    features = list(recipe.features)
    with CapturedRowWriter(typed_path, recipe) as writer:
        for line in _lines(path):
            try:
                call = read_line(line, features)
            except UnreadableLineError as error:
                found.unreadable += 1
                if len(found.reasons) < _MAX_REASONS:
                    found.reasons.append(str(error)[:200])
                continue
            writer.write(call)
            found.day = min(filter(None, (found.day, call.time.date())))
        found.rows, found.latest = writer.rows, writer.latest
    return found


def _lines(path: Path) -> Iterator[bytes]:
    """Lines that hold something; of one that is too long only the beginning, which is no JSON then."""
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES):
            whole = line.endswith(b"\n")
            while not whole and (rest := file.readline(MAX_LINE_BYTES)):
                whole = rest.endswith(b"\n")
            if line.strip():
                yield line
