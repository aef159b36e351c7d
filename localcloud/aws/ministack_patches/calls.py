"""Which actions each role has asked for, so that a policy can be compared with what its role really does."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator

NAMES = {"ministack.core.iam_evaluator": ("EvalContext", "evaluate")}

_ROLE_SESSION = ":assumed-role/"


class Calls:
    """Actions that roles asked for since the start, counted; users and the root of an account are left out."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def note(self, principal_arn: str, action: str) -> None:
        """Counts one evaluation; an action on a bucket with a policy is evaluated twice."""
        _, is_role, session = principal_arn.partition(_ROLE_SESSION)
        if is_role:
            with self._lock:
                self._counts[session.partition("/")[0], action] += 1

    async def answer(self, _document: Mapping[str, Any]) -> dict[str, Any]:
        """`{"calls": [{role, action, evaluations}]}`."""
        with self._lock:
            counted = sorted(self._counts.items())
        return {"calls": [{"role": role, "action": action, "evaluations": n} for (role, action), n in counted]}


def install(calls: Calls) -> None:
    """Has every evaluation noted, whatever it decides."""
    evaluate = iam_evaluator.evaluate

    def note_and_evaluate(context: Any, *policies: Any, **limits: Any) -> Any:
        calls.note(context.principal_arn, context.action)
        return evaluate(context, *policies, **limits)

    iam_evaluator.evaluate = note_and_evaluate
