"""ECR."""

from localcloud.engine.resource_type import ResourceType, Tagging

TYPES = {
    "aws:ecr/repository:Repository": ResourceType(
        service="ecr",
        create="create_repository",
        delete="delete_repository",
        read="describe_repositories",
        id="in.name",
        key={"repositoryName": "id", "repositoryNames": "[id]"},
        name="name",
        paths={"name": "repositoryName"},
        updates={
            "put_image_tag_mutability": ("imageTagMutability",),
            "put_image_scanning_configuration": ("imageScanningConfiguration",),
        },
        tagging=Tagging("tag_resource", "untag_resource", {"resourceArn": "out.arn"}),
        defaults={"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}, "tags": {}},
        local=("forceDelete",),
        replace=("name", "encryptionConfigurations"),
        actual={"imageTagMutability": "repositories[0].imageTagMutability"},
        outputs={
            "arn": "res.repositories[0].repositoryArn",
            "repositoryUrl": "res.repositories[0].repositoryUri",
            "registryId": "res.repositories[0].registryId",
        },
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceType(
        service="ecr",
        create="put_lifecycle_policy",
        delete="delete_lifecycle_policy",
        read="get_lifecycle_policy",
        id="in.repository",
        key={"repositoryName": "in.repository"},
        put=True,
        paths={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
        replace=("repository",),
        actual={"policy": "lifecyclePolicyText"},
    ),
}
