"""SQS: no message is lost to another thread, and none waits for a consumer that was killed.

Messages are taken off a queue in place: MiniStack builds the list of those that stay and assigns it, and a message
appended between the two is gone. Rules, S3 notifications and Step Functions send from threads of their own, while the
Lambda poller receives.
"""

import time
from collections.abc import Callable
from typing import Any

from ministack.services import sqs

NAMES = {
    "ministack.services.sqs": (
        "_queues_lock",
        "_get_q",
        "_queue_url_for_account",
        "_dlq_sweep",
        "_delete_messages_for_esm",
        "load_persisted_state",
    ),
}

Queue = dict[str, Any]


def install() -> None:
    """Replaces the two removals that run on the Lambda poller's threads; wraps how queues come back from disk."""
    sqs._delete_messages_for_esm = _delete_messages_in_place
    sqs._dlq_sweep = _move_dead_letters_in_place(sqs._dlq_sweep)
    sqs.load_persisted_state = _give_back_received(sqs.load_persisted_state)


def _give_back_received(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Shows again what functions were at work on when the last process ended: they ended with it.

    Their visibility timeouts, half an hour for a large file, would be waited out for nobody; and an attempt that they
    did not make does not count.
    """

    def load_persisted_state(data: Any) -> None:
        now = time.time()
        for (account, region, url), queue in list(data["queues"].all_items()):
            # The port may be another one now; the poller finds a queue by its whole address.
            queue["url"] = sqs._queue_url_for_account(account, queue["name"])
            data["queues"].set_scoped(account, region, queue["url"], data["queues"].pop_scoped(account, region, url))
            for message in queue["messages"]:
                if message["receive_count"] and message["visible_at"] > now:
                    message["visible_at"] = now
                    message["receive_count"] -= 1
        original(data)

    return load_persisted_state


def _delete_messages_in_place(queue_url: str, receipt_handles: set[str]) -> None:
    with sqs._queues_lock:
        messages = sqs._get_q(queue_url)["messages"]
        for message in [m for m in list(messages) if m.get("receipt_handle") in receipt_handles]:
            messages.remove(message)


def _move_dead_letters_in_place(original: Callable[[Queue], None]) -> Callable[[Queue], None]:
    def sweep(queue: Queue) -> None:
        before = list(queue["messages"])
        # The original assigns the list of those that stay to this copy, not to the queue.
        shadow = {**queue, "messages": before}
        original(shadow)
        kept = {id(message) for message in shadow["messages"]}
        for message in before:
            if id(message) not in kept:
                queue["messages"].remove(message)

    return sweep
