"""IAM."""

from localcloud.engine.resource_type import ResourceType, Tagging

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
        defaults={"description": "", "maxSessionDuration": 3600, "tags": {}},
        replace=("name", "path"),
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
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ResourceType(
        service="iam",
        create="attach_role_policy",
        delete="detach_role_policy",
        id="join('/', [in.role, in.policyArn])",
        key={"RoleName": "in.role", "PolicyArn": "in.policyArn"},
        paths={"role": "RoleName"},
        always_replace=True,
    ),
}
