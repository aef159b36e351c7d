"""IAM."""

from collections.abc import Mapping
from typing import Any

from localcloud.engine.resource_type import ResourceType, Tagging


def _bound(client: Any, role: str, policy_arn: Any, before: Mapping[str, Any]) -> None:
    del before
    if policy_arn:
        client.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=policy_arn)
    else:
        client.delete_role_permissions_boundary(RoleName=role)


def _is_attached(answer: Any, attachment_id: str, inputs: Mapping[str, Any]) -> bool:
    del attachment_id
    return any(policy["PolicyArn"] == inputs["policyArn"] for policy in answer["AttachedPolicies"])


TYPES = {
    "aws:iam/role:Role": ResourceType(
        service="iam",
        create="create_role",
        delete="delete_role",
        read="get_role",
        id="in.name",
        key={"RoleName": "id"},
        name="name",
        paths={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument|PolicyDocument"},
        updates={
            "update_assume_role_policy": ("assumeRolePolicy",),
            "update_role": ("description", "maxSessionDuration"),
        },
        tagging=Tagging("tag_role", "untag_role", {"RoleName": "id"}),
        setters={"permissionsBoundary": _bound},
        defaults={"description": "", "maxSessionDuration": 3600, "tags": {}},
        replace=("name", "path"),
        actual={"assumeRolePolicy": "Role.AssumeRolePolicyDocument", "description": "Role.Description"},
        outputs={"arn": "res.Role.Arn", "uniqueId": "res.Role.RoleId"},
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(
        service="iam",
        create="put_role_policy",
        delete="delete_role_policy",
        read="get_role_policy",
        id="join(':', [in.role, in.name])",
        key={"RoleName": "in.role", "PolicyName": "in.name"},
        name="name",
        put=True,
        paths={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
        replace=("name", "role"),
        actual={"policy": "PolicyDocument"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(
        service="iam",
        create="attach_role_policy",
        read="list_attached_role_policies",
        is_there=_is_attached,
        delete="detach_role_policy",
        id="join('/', [in.role, in.policyArn])",
        key={"RoleName": "in.role", "PolicyArn": "in.policyArn"},
        paths={"role": "RoleName"},
        always_replace=True,
    ),
}
