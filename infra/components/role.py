"""A role that a service of AWS takes on, with the one policy that says what it may do."""

import json

import pulumi
from pulumi_aws import iam

from infra.policies import resources
from infra.policies.statements import Document
from infra.stack import Stack


class Role(pulumi.ComponentResource):
    """A role and its policy.

    Attributes:
        name: The role's name.
        arn: ARN of the role, once its policy is in place.
    """

    def __init__(
        self, noun: str, stack: Stack, *, service: str, policy: Document, opts: pulumi.ResourceOptions
    ) -> None:
        """`service` is who takes the role on, as `lambda.amazonaws.com`."""
        super().__init__("comal:identity:Role", noun, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        name = stack.names.shared(noun)
        role = iam.Role(
            noun,
            name=name,
            assume_role_policy=json.dumps(resources.trust(service)),
            tags=stack.tags(),
            opts=child,
        )
        attached = iam.RolePolicy(noun, name=name, role=role.name, policy=pulumi.Output.json_dumps(policy), opts=child)
        self.arn: pulumi.Output[str] = pulumi.Output.all(role.arn, attached.id).apply(lambda both: str(both[0]))
        self.register_outputs({"arn": self.arn})


def role_arn(noun: str, stack: Stack) -> str:
    """ARN of a role of the stack, known before the role is."""
    return f"arn:aws:iam::{stack.names.account}:role/{stack.names.shared(noun)}"
