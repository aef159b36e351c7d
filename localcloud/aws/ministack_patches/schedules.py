"""EventBridge Scheduler fills the context attributes of a target's input in, which MiniStack sends as they are written.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge

NAMES = {"ministack.services.eventbridge": ("_invoke_target",)}

_SOURCE = "aws.scheduler"


def install() -> None:
    """Wraps the one way by which a schedule reaches its target."""
    eventbridge._invoke_target = _with_context(eventbridge._invoke_target)


def _with_context(original: Callable[..., Any]) -> Callable[..., Any]:
    def invoke_target(target: Mapping[str, Any], event: Mapping[str, Any], *more: Any) -> Any:
        if event.get("Source") == _SOURCE and "Input" in target:
            target = {**target, "Input": _filled(target["Input"], event)}
        return original(target, event, *more)

    return invoke_target


def _filled(text: str, event: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(int(event["Time"]), UTC)
    attributes = {
        "schedule-arn": event["Resources"][0],
        "scheduled-time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": event["EventId"],
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<{_SOURCE}.{name}>", value)
    return text
