"""Instance counts and weights of an endpoint's variants, changed while it serves.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from collections.abc import Sequence
from dataclasses import replace

from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.fleet import Fleet
from localcloud.aws.sagemaker.instance import STOP_GRACE_S
from localcloud.aws.sagemaker.routes import Routes
from localcloud.aws.sagemaker.serving_plan import VariantPlan
from localcloud.aws.sagemaker.store import Document

_COUNT = "DesiredInstanceCount"
_WEIGHT = "DesiredWeight"


def changed_plan(plan: Sequence[VariantPlan], wishes: Sequence[Document]) -> list[VariantPlan]:
    """The plan with the wanted weights and instance counts.

    Raises:
        ValidationError: A variant is not there, or cannot have what is wanted.
    """
    wished = {wish["VariantName"]: wish for wish in wishes}
    known = {variant.name for variant in plan}
    unknown = [name for name in wished if name not in known]
    if unknown:
        raise ValidationError(
            f"Variant(s) {', '.join(unknown)} not found; the endpoint has {', '.join(sorted(known))}."
        )
    return [_changed(variant, wished.get(variant.name, {})) for variant in plan]


def retained_plan(plan: Sequence[VariantPlan], request: Document, served: Sequence[VariantPlan]) -> list[VariantPlan]:
    """The plan of an UpdateEndpoint request: with RetainAllVariantProperties, counts and weights stay as they are.

    A new config's data capture always counts: to keep the former one is "not currently supported".
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VariantProperty.html
    """
    if not request.get("RetainAllVariantProperties"):
        return list(plan)
    excluded = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", [])}
    before = {variant.name: variant for variant in served}
    return [_retained(variant, before.get(variant.name), excluded) for variant in plan]


def resize(fleet: Fleet, target: Sequence[VariantPlan], routes: Routes, drain_timeout_s: float) -> None:
    """Brings a serving fleet to a plan with the same variants, and loses no call.

    New processes take calls once they answer; surplus ones end when they have answered theirs.

    Raises:
        ContainerFailure: A new process does not answer; the fleet serves on as before.
    """
    fleet.grow(target)
    surplus = fleet.follow_plan(target)
    routes.drain(surplus, drain_timeout_s)
    fleet.end(surplus, STOP_GRACE_S)


def _changed(variant: VariantPlan, wish: Document) -> VariantPlan:
    count = wish.get(_COUNT, variant.instances)
    if _COUNT in wish and variant.serverless is not None:
        raise ValidationError(f"Variant {variant.name} is serverless and has no instances to count.")
    if count < 1:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
        raise ValidationError(f"Variant {variant.name} cannot have {count} instances; none needs inference components.")
    return replace(variant, instances=count, weight=wish.get(_WEIGHT, variant.weight))


def _retained(variant: VariantPlan, before: VariantPlan | None, excluded: set[str]) -> VariantPlan:
    if before is None or variant.serverless is not None or before.serverless is not None:
        return variant
    return replace(
        variant,
        instances=variant.instances if _COUNT in excluded else before.instances,
        weight=variant.weight if _WEIGHT in excluded else before.weight,
    )
