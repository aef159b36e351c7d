"""The endpoint variants whose capacity is changed: looked at and resized by SageMaker's own calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from localcloud.aws.api_errors import ApiError
from localcloud.aws.autoscaling.variant import Variant

# Answers one of SageMaker's operations: operation, account, region, request.
AnswerSageMaker = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class FleetState:
    """A variant as DescribeEndpoint shows it.

    Attributes:
        is_resting: Whether the endpoint is in service and takes changes.
        capacity: How many instances it has.
    """

    is_resting: bool
    capacity: int


class Fleets(Protocol):
    """What the scaler needs of SageMaker."""

    def look(self, variant: Variant) -> FleetState | None:
        """How a variant is; None when it is not there, or has no instances to count."""
        ...

    def resize(self, variant: Variant, capacity: int) -> None:
        """Asks for another capacity.

        Raises:
            ApiError: SageMaker refuses.
        """
        ...


class SageMakerFleets:
    """The variants of the SageMaker in this process, as the service-linked role sees them."""

    def __init__(self, answer: AnswerSageMaker) -> None:
        self._answer = answer

    def look(self, variant: Variant) -> FleetState | None:
        """See Fleets."""
        request = {"EndpointName": variant.endpoint}
        try:
            endpoint = self._answer("DescribeEndpoint", variant.account, variant.region, request)
        except ApiError:
            return None
        for shown in endpoint.get("ProductionVariants", []):
            if shown["VariantName"] == variant.name and "CurrentInstanceCount" in shown:
                return FleetState(endpoint["EndpointStatus"] == "InService", shown["CurrentInstanceCount"])
        return None

    def resize(self, variant: Variant, capacity: int) -> None:
        """See Fleets."""
        wish = {"VariantName": variant.name, "DesiredInstanceCount": capacity}
        request = {"EndpointName": variant.endpoint, "DesiredWeightsAndCapacities": [wish]}
        self._answer("UpdateEndpointWeightsAndCapacities", variant.account, variant.region, request)
