"""What a training run needs: role, image repository, state machines, and the function that decides."""

import json

import pulumi
from pulumi_aws import ecr, sfn

from comal.events import SOURCE
from infra.components.function import Inbox, QueuedFunction, Work
from infra.components.role import Role, role_arn
from infra.components.table import table
from infra.policies import functions, services
from infra.stack import Stack
from infra.state_machine import definition

DECISION_TIMEOUT_S = 60
# Triggers that wait for a cooldown to end or a day to pass are looked at again.
TIMER = "rate(1 hour)"


class Training(pulumi.ComponentResource):
    """The jobs' role, the retraining table, the image's repository, a state machine a model and request_training.

    Without an image there are no state machines and no request_training; its queue keeps what arrives meanwhile.

    Attributes:
        inbox: Queue of request_training.
        repository_url: Where the image is pushed to.
        functions: Functions that wait for their deliveries.
    """

    def __init__(
        self, stack: Stack, *, layer: pulumi.Input[str], tracking_uri: pulumi.Input[str] | None = None
    ) -> None:
        """`tracking_uri` is where jobs write their runs to, too; None is nowhere."""
        super().__init__("comal:training:Training", "training")
        child = pulumi.ResourceOptions(parent=self)
        retraining = table("retraining", stack, self)
        repository = ecr.Repository(
            "training",
            name=stack.names.shared("training"),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            force_delete=stack.settings.empty_on_destroy,
            tags=stack.tags(),
            opts=child,
        )
        self.repository_url = repository.repository_url
        self.inbox = Inbox("request_training", stack, timeout_s=DECISION_TIMEOUT_S, opts=child)
        self.inbox.receives(
            "requested",
            {
                "source": [SOURCE],
                "detail-type": ["TrainingRequested"],
                "detail": {"stack": [stack.names.stack]},
            },
            parent=self,
        )
        self.functions: list[QueuedFunction] = []
        if stack.settings.image_uri:
            self._add_runs(stack, layer, tracking_uri)
        self.register_outputs({"retraining": retraining.name, "repository_url": self.repository_url})

    def _add_runs(self, stack: Stack, layer: pulumi.Input[str], tracking_uri: pulumi.Input[str] | None) -> None:
        """All that takes an image."""
        child = pulumi.ResourceOptions(parent=self)
        jobs_role = Role(
            "training_job",
            stack,
            service="sagemaker.amazonaws.com",
            policy=services.training_job(
                stack.names,
                stack.settings.image_repository_arn,
                mlflow_app_arn=None if stack.settings.tracking_uri else tracking_uri,
            ),
            opts=child,
        )
        self._add_state_machines(stack)
        self.inbox.receives(
            "run-ended",
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [{"prefix": stack.names.state_machine_arn("")}],
                    "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"],
                },
            },
            parent=self,
        )
        self.inbox.receives_timer(TIMER, parent=self)
        work = Work(
            policy=functions.request_training(stack.names),
            environment={
                "COMAL_IMAGE_URI": stack.settings.image_uri,
                "COMAL_TRAINING_ROLE_ARN": jobs_role.arn,
                **({"COMAL_TRACKING_URI": tracking_uri} if tracking_uri is not None else {}),
            },
            timeout_s=DECISION_TIMEOUT_S,
        )
        self.functions.append(QueuedFunction(self.inbox, stack, work, layer=layer, opts=child))

    def _add_state_machines(self, stack: Stack) -> None:
        names = stack.names
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            "training_run",
            stack,
            service="states.amazonaws.com",
            policy=services.state_machine(names, role_arn("training_job", stack)),
            opts=child,
        )
        for recipe in stack.recipes:
            states = definition(names, recipe, registers=stack.settings.has("registry"))
            sfn.StateMachine(
                recipe.model,
                name=names.of_model(recipe.model),
                role_arn=role.arn,
                definition=json.dumps(states),
                tags=stack.tags(recipe.model),
                opts=child,
            )
