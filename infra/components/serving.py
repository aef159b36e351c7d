"""What brings approved versions behind an endpoint, and moves the endpoint from one to the next."""

import pulumi
from pulumi_aws import cloudwatch

from infra.components.function import Inbox, QueuedFunction, Work
from infra.components.role import Role, role_arn
from infra.policies import functions, scaling_rights, services
from infra.stack import Stack

DEPLOY_TIMEOUT_S = 60


class Serving(pulumi.ComponentResource):
    """The endpoints' role and logs, and deploy_model; the endpoints are deploy_model's own.

    Without an image there is nothing to deploy, and only the logs' groups and the queue are made.

    Attributes:
        functions: Functions that wait for their deliveries.
    """

    def __init__(self, stack: Stack, *, layer: pulumi.Input[str]) -> None:
        super().__init__("comal:serving:Serving", "serving")
        child = pulumi.ResourceOptions(parent=self)
        for recipe in stack.recipes:
            # SageMaker would make it with the first endpoint, to keep everything for ever and to outlive the stack.
            cloudwatch.LogGroup(
                recipe.model,
                name=f"/aws/sagemaker/Endpoints/{stack.names.of_model(recipe.model)}",
                retention_in_days=stack.settings.log_retention_days,
                tags=stack.tags(recipe.model),
                opts=child,
            )
        inbox = Inbox("deploy_model", stack, timeout_s=DEPLOY_TIMEOUT_S, opts=child)
        prefix = [{"prefix": stack.names.of_model("")}]
        inbox.receives(
            "judged",
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": prefix, "ModelApprovalStatus": ["Approved", "Rejected"]},
            },
            parent=self,
        )
        inbox.receives(
            "endpoint",
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Endpoint State Change"],
                "detail": {"EndpointName": prefix},
            },
            parent=self,
        )
        self.functions: list[QueuedFunction] = []
        captures = stack.settings.has("monitoring")
        if stack.settings.image_uri:
            role = Role(
                "endpoint",
                stack,
                service="sagemaker.amazonaws.com",
                policy=services.endpoint(stack.names, stack.settings.image_repository_arn, captures=captures),
                opts=child,
            )
            work = Work(
                policy=[
                    *functions.deploy_model(stack.names, role_arn("endpoint", stack)),
                    *scaling_rights.for_deploying(stack.names, stack.recipes),
                ],
                environment={"COMAL_SERVING_ROLE_ARN": role.arn} | ({"COMAL_CAPTURE": "true"} if captures else {}),
                timeout_s=DEPLOY_TIMEOUT_S,
            )
            self.functions.append(QueuedFunction(inbox, stack, work, layer=layer, opts=child))
        self.register_outputs({})
