"""Holding every policy against what its role really asked for."""

import json
import urllib.request

from tests.e2e.clone import Clone

# AWS's own services call these as the role; the local cloud's ask nobody.
_OF_SERVICES = {"cloudwatch", "ecr", "events", "logs", "sqs"}


def unused_grants(clone: Clone) -> set[tuple[str, str]]:
    """Role (without the stack's prefix) and action of what a policy allows and nobody has asked for yet."""
    granted = {grant for grant in granted_actions(clone) if grant[1].partition(":")[0] not in _OF_SERVICES}
    return granted - set(actions_asked_for(clone))


def actions_asked_for(clone: Clone) -> list[tuple[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{clone.port}/_localcloud/calls", data=b"{}", method="POST")
    with urllib.request.urlopen(request) as answer:
        calls = json.load(answer)["calls"]
    return [(call["role"].removeprefix("comal-local-"), call["action"]) for call in calls]


def granted_actions(clone: Clone) -> list[tuple[str, str]]:
    iam = clone.client("iam")
    names = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    return [
        (name.removeprefix("comal-local-"), action)
        for name in names
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        for statement in iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    ]
