"""SQS: takes messages off a queue in place, so that one sent meanwhile from another thread is not lost.

MiniStack builds the list of the messages that stay and assigns it; a message appended between the two is gone.
Rules, S3 notifications and Step Functions send from threads of their own, while the Lambda poller receives.
"""

from collections.abc import Callable
from typing import Any

from ministack.services import sqs

NAMES = {
    "ministack.services.sqs": ("_queues_lock", "_get_q", "_dlq_sweep", "_delete_messages_for_esm"),
}

Queue = dict[str, Any]


def install() -> None:
    """Replaces the two removals that run on the Lambda poller's threads."""
    sqs._delete_messages_for_esm = _delete_messages_in_place
    sqs._dlq_sweep = _move_dead_letters_in_place(sqs._dlq_sweep)


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
