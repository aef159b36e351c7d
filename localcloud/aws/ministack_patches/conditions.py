"""Condition keys that AWS fills in when it judges a call, and MiniStack leaves out."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions

NAMES = {"ministack.core.iam_actions": ("request_tag_context",)}


def install() -> None:
    """Adds `events:source` to what PutEvents is judged by.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    """
    iam_actions.request_tag_context = _with_event_sources(iam_actions.request_tag_context)


def _with_event_sources(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def request_context(service: str, action: str, body: bytes, parameters: Mapping[str, Any]) -> dict[str, Any]:
        context = original(service, action, body, parameters)
        if action == "events:PutEvents":
            sources = _sources(body)
            context["events:source"] = sources[0] if len(sources) == 1 else sources
        return context

    return request_context


def _sources(body: bytes) -> list[str]:
    try:
        entries = json.loads(body)["Entries"]
        return sorted({str(entry["Source"]) for entry in entries})
    except (ValueError, KeyError, TypeError):
        return []  # the service itself refuses such a call
