"""One clear sentence for whatever ended a job, where SageMaker looks for it."""

import errno
import traceback
from pathlib import Path

from comal.errors import AlgorithmError, ComalError, UserError

# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
MAX_LENGTH = 1024


def describe(error: BaseException) -> str:
    """What ended the job: whose matter it is, what was found, and the next step."""
    if isinstance(error, UserError):
        kind = "User error"
    elif isinstance(error, AlgorithmError):
        kind = "Algorithm error"
    else:
        kind = "Platform error"
    return f"{kind}: {_sentence(error)}"[:MAX_LENGTH]


def _sentence(error: BaseException) -> str:
    if isinstance(error, ComalError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The instance ran out of memory. Choose a larger training.instance in the recipe."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The instance's disk is full. Raise training.volume_gb in the recipe."
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return f"Unexpected {type(error).__name__}{place}: {text}. See the job's log for the trace."


def write_failure(path: Path, text: str) -> None:
    """Leave the sentence for SageMaker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
