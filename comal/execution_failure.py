"""The reason in a failed execution's error and cause, in one line."""

import json
from collections.abc import Mapping
from typing import Any

from comal.one_line import one_line

_LENGTH = 1024


def execution_failure(execution: Mapping[str, Any]) -> str:
    """The reason; empty for a run that succeeded.

    Args:
        execution: `error` and `cause` of DescribeExecution's answer, or of a status change event's detail. A cause that
            is a service's JSON is looked into: a training job's FailureReason or that it was stopped, a function's
            errorMessage.
    """
    error, cause = execution.get("error") or "", execution.get("cause") or ""
    try:
        said = json.loads(cause)
    except ValueError:
        said = None
    if isinstance(said, dict):
        cause = said.get("FailureReason") or said.get("errorMessage") or _stopped(said) or cause
    return one_line(": ".join(part for part in (error, cause) if part))[:_LENGTH]


def _stopped(job: Mapping[str, Any]) -> str:
    """A stopped job has no FailureReason."""
    return "The training job was stopped." if job.get("TrainingJobStatus") == "Stopped" else ""
