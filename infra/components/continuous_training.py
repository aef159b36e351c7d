"""New data as a reason to train."""

import pulumi

from comal.events import SOURCE
from infra.components.function import Inbox
from infra.stack import Stack


class ContinuousTraining(pulumi.ComponentResource):
    """The rule from validated batches to request_training; without it training waits for a request."""

    def __init__(self, stack: Stack, *, inbox: Inbox) -> None:
        """`inbox` is the queue of request_training."""
        super().__init__("comal:training:ContinuousTraining", "continuous-training")
        pattern = {
            "source": [SOURCE],
            "detail-type": ["BatchValidated"],
            "detail": {"stack": [stack.names.stack]},
        }
        inbox.receives("validated", pattern, parent=self)
        self.register_outputs({})
