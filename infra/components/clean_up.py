"""What makes a plain `pulumi destroy` leave nothing of what functions made outside the stack's state."""

import json
from collections.abc import Sequence

import pulumi
from pulumi_aws import lambda_

from infra.components.function import Function, Work
from infra.policies import functions, scaling_rights
from infra.stack import Stack

# Lambda's longest; emptying a bucket takes a call for each thousand versions.
CLEAN_UP_TIMEOUT_S = 900


class CleanUp(pulumi.ComponentResource):
    """The clean_up function, and the invocation that calls it when the stack, or a model of it, goes.

    The invocation depends on every other component, so on destroy it runs while they are all still there.

    Attributes:
        invocation: What everything that must stop before the cleaning depends on.
    """

    def __init__(self, stack: Stack, *, layer: pulumi.Input[str], cleans: Sequence[pulumi.Resource]) -> None:
        super().__init__("comal:operations:CleanUp", "clean-up")
        child = pulumi.ResourceOptions(parent=self)
        may_empty = stack.settings.empty_on_destroy
        work = Work(
            policy=[
                *functions.clean_up(stack.names, empty_on_destroy=may_empty),
                *scaling_rights.for_cleaning(stack.names),
            ],
            environment={"COMAL_EMPTY_ON_DESTROY": str(may_empty).lower()},
            timeout_s=CLEAN_UP_TIMEOUT_S,
        )
        function = Function("clean_up", stack, work, layer=layer, opts=child)
        self.invocation = lambda_.Invocation(
            "clean-up",
            function_name=function.name,
            lifecycle_scope="CRUD",
            # A model that leaves the stack is cleaned up by the update, before its group and state machine go.
            input=json.dumps({"stack": stack.names.stack, "models": [recipe.model for recipe in stack.recipes]}),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function, *cleans]),
        )
        self.register_outputs({})
