"""Why a container ended, in the words of a FailureReason."""

import signal

from localcloud.aws.sagemaker.containers.records import ExitRecord

# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
_MAX_FAILURE_CHARACTERS = 1024


def training_failure(record: ExitRecord, failure_file: str, log_tail: str) -> str:
    """The reason of a failed training job.

    Args:
        record: How the process ended.
        failure_file: What it wrote to /opt/ml/output/failure.
        log_tail: The end of what it printed.
    """
    if record.returncode is None:
        return (
            "InternalServerError: The supervisor of the training process was killed, and the process with it. "
            "Start the job again under another name."
        )
    said = failure_file.strip()[:_MAX_FAILURE_CHARACTERS]
    return f"AlgorithmError: {said or exit_reason(record, log_tail)}, exit code: {exit_code(record)}"


def exit_reason(record: ExitRecord, log_tail: str) -> str:
    """How a process ended: by which signal, or with which last line."""
    if record.returncode is None:
        return "its supervisor was killed"
    if record.returncode < 0:
        number = -record.returncode
        return f"the process was killed by signal {number} ({signal.Signals(number).name})"
    lines = [line for line in log_tail.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def exit_code(record: ExitRecord) -> int:
    """The exit code as a container runtime gives it: 128 + signal for a killed process."""
    returncode = record.returncode or 0
    return 128 - returncode if returncode < 0 else returncode
