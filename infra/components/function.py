"""Python functions: one alone, and one behind a queue that rules of the event bus fill."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import cloudwatch, lambda_, sqs

from comal.names import PROJECT
from infra import code
from infra.components.role import Role
from infra.policies import functions, resources
from infra.policies.statements import Statement, document
from infra.stack import Stack

FOURTEEN_DAYS_S = 14 * 24 * 3600
MAX_RECEIVE_COUNT = 5
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6


@dataclass(frozen=True)
class Work:
    """What a function is given.

    Attributes:
        policy: Statements beside the basics.
        environment: Variables beside those that every function has.
        batch_size: Messages that one invocation gets; of a function behind a queue.
    """

    policy: Sequence[Statement]
    environment: Mapping[str, pulumi.Input[str]]
    timeout_s: int
    memory_mb: int = 512
    storage_mb: int = 512
    batch_size: int = 10


class Function(pulumi.ComponentResource):
    """A function with its role, policy and log group.

    Attributes:
        name: The function's name, once it exists.
        arn: Its ARN.
    """

    def __init__(
        self, noun: str, stack: Stack, work: Work, *, layer: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> None:
        """`noun` is the function's folder in lambdas/."""
        super().__init__("comal:functions:Function", noun, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        name, names, tags = stack.names.shared(noun), stack.names, stack.tags()
        log_group = cloudwatch.LogGroup(
            noun,
            name=f"/aws/lambda/{name}",
            retention_in_days=stack.settings.log_retention_days,
            tags=tags,
            opts=child,
        )
        role = Role(
            noun,
            stack,
            service="lambda.amazonaws.com",
            policy=document(*functions.basics(names, noun), *work.policy),
            opts=child,
        )
        packed = code.build(noun)
        function = lambda_.Function(
            noun,
            name=name,
            role=role.arn,
            runtime=stack.settings.lambda_runtime,
            handler=code.handler_of(noun),
            code=pulumi.FileArchive(str(packed.path)),
            source_code_hash=packed.sha256,
            layers=[layer],
            timeout=work.timeout_s,
            memory_size=work.memory_mb,
            ephemeral_storage={"size": work.storage_mb},
            environment={
                "variables": {
                    "COMAL_STACK": names.stack,
                    "COMAL_ACCOUNT": names.account,
                    "COMAL_REGION": names.region,
                    "POWERTOOLS_SERVICE_NAME": noun,
                    "POWERTOOLS_METRICS_NAMESPACE": PROJECT,
                    **work.environment,
                }
            },
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[log_group]),
        )
        self.name = function.name
        self.arn = function.arn
        self.register_outputs({"name": self.name})


class Inbox(pulumi.ComponentResource):
    """The queue of a function, with its dead letters; rules fill it whether or not the function is there.

    Attributes:
        noun: The function's folder in lambdas/.
        arn: ARN of the queue.
    """

    def __init__(self, noun: str, stack: Stack, *, timeout_s: int, opts: pulumi.ResourceOptions) -> None:
        """`timeout_s` is the function's."""
        super().__init__("comal:functions:Inbox", noun, None, opts)
        self.noun = noun
        self._stack = stack
        child = pulumi.ResourceOptions(parent=self)
        dead_letters = sqs.Queue(
            f"{noun}-dead-letters",
            name=stack.names.dead_letters(noun),
            message_retention_seconds=FOURTEEN_DAYS_S,
            sqs_managed_sse_enabled=True,
            tags=stack.tags(),
            opts=child,
        )
        queue = sqs.Queue(
            noun,
            name=stack.names.shared(noun),
            visibility_timeout_seconds=VISIBILITY_PER_TIMEOUT * timeout_s,
            message_retention_seconds=FOURTEEN_DAYS_S,
            sqs_managed_sse_enabled=True,
            redrive_policy=dead_letters.arn.apply(
                lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT})
            ),
            policy=json.dumps(resources.queue_of_rules(stack.names, noun)),
            tags=stack.tags(),
            opts=child,
        )
        self.arn = queue.arn
        self.register_outputs({"arn": self.arn})

    def receives(self, reason: str, pattern: Mapping[str, Any], *, parent: pulumi.Resource) -> pulumi.Resource:
        """Adds a rule of the default event bus.

        Args:
            reason: What the rule brings, as `run-ended`; part of its name.
            pattern: Event pattern.
            parent: Component that wants it.

        Returns:
            What must be there before the first event, or it is lost.
        """
        return self._rule(reason, parent, pattern=json.dumps(pattern))

    def receives_timer(self, schedule: str, *, parent: pulumi.Resource) -> None:
        """Adds a rule that sends the message `Timer` on a schedule, with its time."""
        message = {
            "input_paths": {"time": "$.time"},
            "input_template": f'{{"source": "{PROJECT}", "detail-type": "Timer", "time": <time>}}',
        }
        self._rule("timer", parent, schedule=schedule, message=message)

    def _rule(
        self,
        reason: str,
        parent: pulumi.Resource,
        *,
        pattern: str | None = None,
        schedule: str | None = None,
        message: Any = None,
    ) -> cloudwatch.EventTarget:
        child = pulumi.ResourceOptions(parent=parent)
        label = f"{self.noun}-{reason}"
        rule = cloudwatch.EventRule(
            label,
            name=f"{self._stack.names.shared(self.noun)}-{reason}",
            event_pattern=pattern,
            schedule_expression=schedule,
            tags=self._stack.tags(),
            opts=child,
        )
        return cloudwatch.EventTarget(
            label, rule=rule.name, target_id="queue", arn=self.arn, input_transformer=message, opts=child
        )


class QueuedFunction(pulumi.ComponentResource):
    """A function that gets the messages of an inbox; `Deliveries` starts that.

    Attributes:
        function: The function.
        inbox: Its queue.
        batch_size: Messages that one invocation gets.
    """

    def __init__(
        self, inbox: Inbox, stack: Stack, work: Work, *, layer: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("comal:functions:QueuedFunction", inbox.noun, None, opts)
        with_queue = Work(
            policy=[functions.reads_queue(stack.names, inbox.noun), *work.policy],
            environment=work.environment,
            timeout_s=work.timeout_s,
            memory_mb=work.memory_mb,
            storage_mb=work.storage_mb,
        )
        self.inbox = inbox
        self.batch_size = work.batch_size
        self.function = Function(inbox.noun, stack, with_queue, layer=layer, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
