"""What every policy is written in.

Names go in, a policy document comes out. Actions and ARNs are named; `Resource: "*"` stands only where AWS knows no
narrower resource, with the page in a comment.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from typing import Any

Document = dict[str, Any]
Statement = dict[str, Any]


def document(*statements: Statement) -> Document:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], resources: list[str], condition: Document | None = None) -> Statement:
    """One statement."""
    statement: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | ({"Condition": condition} if condition else {})


def passes(role_arn: str) -> Statement:
    """Hands a role to SageMaker, and to nobody else."""
    return allow(["iam:PassRole"], [role_arn], {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})
