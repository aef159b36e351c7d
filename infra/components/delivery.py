"""Deliveries from queues to functions: opened last and closed first, so that nothing acts while the stack goes."""

from collections.abc import Sequence

import pulumi
from pulumi_aws import lambda_

from infra.components.function import QueuedFunction
from infra.stack import Stack


class Deliveries(pulumi.ComponentResource):
    """One event source mapping a function."""

    def __init__(self, stack: Stack, functions: Sequence[QueuedFunction], *, after: pulumi.Resource) -> None:
        """`after` is what must be there before the first message is handled, and stays until after the last."""
        super().__init__("comal:functions:Deliveries", "deliveries")
        for queued in functions:
            lambda_.EventSourceMapping(
                queued.inbox.noun,
                event_source_arn=queued.inbox.arn,
                function_name=queued.function.name,
                batch_size=queued.batch_size,
                function_response_types=["ReportBatchItemFailures"],
                tags=stack.tags(),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[after, queued]),
            )
        self.register_outputs({})
