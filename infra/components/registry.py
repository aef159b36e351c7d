"""Where versions of models are kept and judged."""

import pulumi
from pulumi_aws import sagemaker

from infra.components.function import Function, Work
from infra.policies import functions
from infra.stack import Stack

REGISTER_TIMEOUT_S = 120
REGISTER_MEMORY_MB = 2048


class Registry(pulumi.ComponentResource):
    """A model package group a model; with an image, register_model, which a run's state machine calls."""

    def __init__(self, stack: Stack, *, layer: pulumi.Input[str]) -> None:
        super().__init__("comal:registry:Registry", "registry")
        child = pulumi.ResourceOptions(parent=self)
        for recipe in stack.recipes:
            sagemaker.ModelPackageGroup(
                recipe.model,
                model_package_group_name=stack.names.of_model(recipe.model),
                model_package_group_description=f"Versions of {recipe.model}",
                tags=stack.tags(recipe.model),
                opts=child,
            )
        if stack.settings.image_uri:
            work = Work(
                policy=functions.register_model(stack.names, stack.settings.image_repository_arn),
                environment={"COMAL_IMAGE_URI": stack.settings.image_uri},
                timeout_s=REGISTER_TIMEOUT_S,
                memory_mb=REGISTER_MEMORY_MB,
            )
            Function("register_model", stack, work, layer=layer, opts=child)
        self.register_outputs({})
