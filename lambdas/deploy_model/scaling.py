"""Keeps a model's scalable target and its policy as the recipe says; changes nothing that is so already."""

from dataclasses import dataclass
from typing import Any

from comal.names import Names
from comal.recipe import Recipe
from comal.scaling_config import POLICY, policy_request, scales, target_id, tracking


@dataclass(frozen=True)
class Scaling:
    """The scalable target of one recipe's endpoint; `autoscaling` is a boto3 client of application-autoscaling."""

    autoscaling: Any
    names: Names
    recipe: Recipe

    def settle(self, instances: int) -> None:
        """Bring target and policy to what the recipe says. Safe to repeat.

        Registering a target moves the fleet inside its range, which ends in another event of the endpoint. So a fleet
        that shall not scale any more is first brought to its one size, and deregistered when that event comes.
        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html

        Args:
            instances: How many the endpoint has.
        """
        serving = self.recipe.serving
        if serving.is_serverless:
            return
        target = self._target()
        if scales(self.recipe):
            self._register(target, serving.min, serving.max_instances)
            self._put_policy()
        elif target is not None and instances == serving.min:
            self._deregister()
        elif target is not None:
            self._register(target, serving.min, serving.min)

    def release(self) -> None:
        """Deregister the target, if there is one; its policy goes with it and the fleet stays as it is."""
        if not self.recipe.serving.is_serverless and self._target() is not None:
            self._deregister()

    def _target(self) -> dict[str, Any] | None:
        target = target_id(self.names, self.recipe.model)
        request = {"ServiceNamespace": target["ServiceNamespace"], "ResourceIds": [target["ResourceId"]]}
        found = self.autoscaling.describe_scalable_targets(**request)["ScalableTargets"]
        return found[0] if found else None

    def _register(self, target: dict[str, Any] | None, smallest: int, largest: int) -> None:
        if target is not None and (target["MinCapacity"], target["MaxCapacity"]) == (smallest, largest):
            return
        self.autoscaling.register_scalable_target(
            **target_id(self.names, self.recipe.model), MinCapacity=smallest, MaxCapacity=largest
        )

    def _put_policy(self) -> None:
        policies = self.autoscaling.describe_scaling_policies(
            **target_id(self.names, self.recipe.model), PolicyNames=[POLICY]
        )["ScalingPolicies"]
        wanted = tracking(self.recipe)
        # AWS shows defaults too, which we do not set.
        found = policies[0]["TargetTrackingScalingPolicyConfiguration"] if policies else {}
        if any(found.get(name) != value for name, value in wanted.items()):
            self.autoscaling.put_scaling_policy(**policy_request(self.names, self.recipe))

    def _deregister(self) -> None:
        self.autoscaling.deregister_scalable_target(**target_id(self.names, self.recipe.model))
