"""What Application Auto Scaling tells SageMaker about the variants that it scales.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
"""

from collections.abc import Sequence
from typing import Protocol

from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.serving_plan import VariantPlan


class ScaledVariants(Protocol):
    """The scalable targets of all endpoints."""

    def is_registered(self, account: str, region: str, endpoint: str, variant: str) -> bool:
        """Whether a variant is a scalable target."""
        ...

    def forget_endpoint(self, account: str, region: str, endpoint: str, variants: Sequence[str]) -> None:
        """Deregisters the variants of an endpoint that is deleted."""
        ...


def check_instance_types(
    scaled: ScaledVariants, scope: Scope, endpoint: str, served: Sequence[VariantPlan], target: Sequence[VariantPlan]
) -> None:
    """Refuses another instance type for a variant that is a scalable target.

    Raises:
        ValidationError: As AWS refuses it, in our words.
    """
    wanted = {variant.name: variant.instance_type for variant in target}
    for variant in served:
        is_changed = wanted.get(variant.name, variant.instance_type) != variant.instance_type
        if is_changed and scaled.is_registered(scope.account, scope.region, endpoint, variant.name):
            raise ValidationError(
                f"Variant {variant.name} of endpoint {endpoint} is a scalable target; deregister it before its "
                f"instance type changes from {variant.instance_type} to {wanted[variant.name]}."
            )
