"""EventBridge: events of our own services, and dead letters for what cannot be delivered."""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from ministack.core import responses
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, sqs

from localcloud.aws.ministack_patches import activity

NAMES = {
    "ministack.core.responses": ("request_scope",),
    "ministack.services.eventbridge": ("_put_events", "_invoke_target", "_dispatch_to_sqs", "_dispatch_to_lambda"),
    "ministack.services.sqs": ("_queue_by_arn",),
    "ministack.services.lambda_svc": ("_get_func_record_for_ref",),
}

logger = logging.getLogger("localcloud.event_bus")

_published = threading.Condition()
_target: ContextVar[Mapping[str, Any]] = ContextVar("localcloud_event_target")
_rule: ContextVar[Mapping[str, Any]] = ContextVar("localcloud_event_rule")
# Told the rule's ARN and what became of one delivery, by the name of its metric.
_listeners: list[Callable[[str, str], None]] = []


def put_aws_event(
    source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str], account: str, region: str
) -> None:
    """Puts an `aws.*` event on the default bus; the public PutEvents refuses those sources. Any thread may call."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": list(resources),
    }
    # Whether or not a rule takes it: a save has to follow, and the sender waits for it.
    activity.note()
    with responses.request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    with _published:
        _published.notify_all()


def wait_for_event(timeout_s: float) -> None:
    """Returns at the next event of one of our own services, or after the timeout."""
    with _published:
        _published.wait(timeout_s)


def listen(told: Callable[[str, str], None]) -> None:
    """Has each delivery told: the rule's ARN, and `Invocations`, `InvocationsSentToDlq` or `FailedInvocations`."""
    _listeners.append(told)


def install() -> None:
    """Sends what a target cannot take to the target's dead-letter queue; MiniStack only logs it."""
    eventbridge._invoke_target = _remember_target(eventbridge._invoke_target)
    eventbridge._dispatch_to_sqs = _deliver_or_bury(eventbridge._dispatch_to_sqs, _queue_exists)
    eventbridge._dispatch_to_lambda = _deliver_or_bury(eventbridge._dispatch_to_lambda, _function_exists)


def _remember_target(original: Callable[..., None]) -> Callable[..., None]:
    def invoke_target(
        target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], *arguments: Any, **options: Any
    ) -> None:
        target_token, rule_token = _target.set(target), _rule.set(rule)
        activity.note()
        _tell("Invocations")
        try:
            original(target, event, rule, *arguments, **options)
        finally:
            _target.reset(target_token)
            _rule.reset(rule_token)

    return invoke_target


def _deliver_or_bury(original: Callable[..., None], exists: Callable[[str], bool]) -> Callable[..., None]:
    def dispatch(destination: Any, payload: str, *arguments: Any) -> None:
        arn = str(destination)
        if exists(arn):
            original(destination, payload, *arguments)
            return
        dead_letters = _target.get({}).get("DeadLetterConfig", {}).get("Arn", "")
        if dead_letters and _queue_exists(dead_letters):
            bury(parse_arn(dead_letters), payload)
            _tell("InvocationsSentToDlq")
            logger.warning("Target %s does not exist; the event went to %s", arn, dead_letters)
        else:
            _tell("FailedInvocations")
            logger.error("Target %s does not exist, nor a dead-letter queue; the event is lost: %s", arn, payload)

    bury = eventbridge._dispatch_to_sqs
    return dispatch


def _tell(metric: str) -> None:
    rule = _rule.get({})
    for told in _listeners if "Arn" in rule else ():
        told(rule["Arn"], metric)


def _queue_exists(arn: str) -> bool:
    return sqs._queue_by_arn(arn) is not None


def _function_exists(arn: str) -> bool:
    from ministack.services import lambda_svc

    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    return bool(function and config)
