import json
from typing import Any

import pytest

from comal.execution_failure import execution_failure


@pytest.mark.parametrize(("execution", "reason"), [
    ({}, ""),
    ({"error": None, "cause": None}, ""),
    ({"error": "States.Timeout"}, "States.Timeout"),
    ({"error": "E", "cause": "in\n  two lines"}, "E: in two lines"),
    ({"error": "E", "cause": json.dumps({"FailureReason": "no rows"})}, "E: no rows"),
    ({"error": "E", "cause": json.dumps({"errorMessage": "refused", "errorType": "T"})}, "E: refused"),
    ({"error": "E", "cause": json.dumps({"TrainingJobStatus": "Stopped"})}, "E: The training job was stopped."),
    ({"error": "E", "cause": json.dumps({"other": 1})}, 'E: {"other": 1}'),
    ({"error": "E", "cause": "[1]"}, "E: [1]"),
])  # fmt: skip
def test_the_reason_in_one_line(execution: dict[str, Any], reason: str) -> None:
    assert execution_failure(execution) == reason


def test_a_long_reason_is_cut() -> None:
    assert len(execution_failure({"cause": "x" * 5000})) == 1024
