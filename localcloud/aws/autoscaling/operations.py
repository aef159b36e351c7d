"""The calls of Application Auto Scaling, on its stored documents.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

import base64
import uuid
from collections.abc import Callable
from typing import Any

from localcloud.aws.api_errors import ApiError, ValidationError
from localcloud.aws.autoscaling.schedule import check_schedule
from localcloud.aws.autoscaling.store import Document, Entry, Kind, Store
from localcloud.aws.autoscaling.tracked_metric import metric_queries
from localcloud.aws.autoscaling.variant import DIMENSION, NAMESPACE, Variant, check_namespace
from localcloud.aws.clock import Clock

Operation = Callable[[str, str, Document], Document]
# Says whether a variant is there to be scaled.
Exists = Callable[[Variant], bool]

SERVICE_LINKED_ROLE = (
    "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
# A hidden member of a target: why its capacity has to be brought inside its range.
ADJUST = "_Adjust"
_TRACKING = "TargetTrackingScaling"
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalableTargets.html (MaxResults)
_DEFAULT_PAGE = 50


class Operations:
    """What callers may do; `changed` is called when something may have to be scaled."""

    def __init__(self, store: Store, clock: Clock, exists: Exists, changed: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._exists = exists
        self._changed = changed
        self.by_name: dict[str, Operation] = {
            "RegisterScalableTarget": self.register,
            "DeregisterScalableTarget": self.deregister,
            "DescribeScalableTargets": self.describe_targets,
            "PutScalingPolicy": self.put_policy,
            "DeleteScalingPolicy": self.delete_policy,
            "DescribeScalingPolicies": self.describe_policies,
            "PutScheduledAction": self.put_action,
            "DeleteScheduledAction": self.delete_action,
            "DescribeScheduledActions": self.describe_actions,
            "DescribeScalingActivities": self.describe_activities,
        }

    def register(self, account: str, region: str, request: Document) -> Document:
        """RegisterScalableTarget: adds or changes a target, and brings its capacity inside its range."""
        variant = Variant.from_request(account, region, request)
        if not self._exists(variant):
            raise ValidationError(f"SageMaker endpoint variant doesn't exist: {variant.resource_id}")
        with self._store.transaction():
            known = self._store.find("target", variant)
            target = known or self._new_target(variant, request)
            target |= {name: request[name] for name in ("MinCapacity", "MaxCapacity") if name in request}
            target["SuspendedState"] |= request.get("SuspendedState", {})
            check_range(target)
            target[ADJUST] = _range_cause(request)
            self._store.put("target", variant, "", target)
        self._changed()
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def deregister(self, account: str, region: str, request: Document) -> Document:
        """DeregisterScalableTarget: its policies and scheduled actions go with it; the fleet stays as it is."""
        variant = self._registered(account, region, request)
        forget(self._store, variant)
        return {}

    def describe_targets(self, account: str, region: str, request: Document) -> Document:
        """DescribeScalableTargets."""
        return self._page("target", "ScalableTargets", account, region, request)

    def put_policy(self, account: str, region: str, request: Document) -> Document:
        """PutScalingPolicy: target tracking only.

        The alarms that AWS creates do not exist here: docs/adr/0009-target-tracking-without-alarms.md.
        """
        variant = self._registered(account, region, request)
        name, kind = request["PolicyName"], request.get("PolicyType", "StepScaling")
        config = request.get("TargetTrackingScalingPolicyConfiguration")
        with self._store.transaction():
            known = self._store.find("policy", variant, name)
            if kind != _TRACKING or config is None:
                raise ValidationError(f"Policies of type {kind} are not judged on this machine; use {_TRACKING}.")
            if config["TargetValue"] <= 0:
                raise ValidationError(f"TargetValue is {config['TargetValue']}; expected a number above 0.")
            self._check_only_one(variant, name, metric_queries(variant, config))
            policy = known or self._new("PolicyARN", "scalingPolicy", "policyName", variant, name)
            policy |= {"PolicyName": name, "PolicyType": kind, "TargetTrackingScalingPolicyConfiguration": config}
            self._store.put("policy", variant, name, policy)
        self._changed()
        return {"PolicyARN": policy["PolicyARN"], "Alarms": []}

    def delete_policy(self, account: str, region: str, request: Document) -> Document:
        """DeleteScalingPolicy."""
        variant = Variant.from_request(account, region, request)
        self._delete("policy", variant, request["PolicyName"], "scaling policy")
        return {}

    def describe_policies(self, account: str, region: str, request: Document) -> Document:
        """DescribeScalingPolicies."""
        return self._page("policy", "ScalingPolicies", account, region, request, names="PolicyNames")

    def put_action(self, account: str, region: str, request: Document) -> Document:
        """PutScheduledAction: at a time, another range."""
        variant = self._registered(account, region, request)
        name = request["ScheduledActionName"]
        with self._store.transaction():
            known = self._store.find("action", variant, name)
            action = known or self._new("ScheduledActionARN", "scheduledAction", "scheduledActionName", variant, name)
            fields = ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
            action |= {field: request[field] for field in fields if field in request}
            if known is None and not {"Schedule", "ScalableTargetAction"} <= set(action):
                raise ValidationError("A new scheduled action needs a Schedule and a ScalableTargetAction.")
            check_schedule(action["Schedule"], action.get("Timezone"), self._clock.now())
            target = self._store.find("target", variant) or {}
            check_range(target | action["ScalableTargetAction"])
            action |= {"ScheduledActionName": name, "_ChangedAt": self._clock.now()}
            action.pop("_FiredAt", None)
            self._store.put("action", variant, name, action)
        self._changed()
        return {}

    def delete_action(self, account: str, region: str, request: Document) -> Document:
        """DeleteScheduledAction."""
        variant = Variant.from_request(account, region, request)
        self._delete("action", variant, request["ScheduledActionName"], "scheduled action")
        return {}

    def describe_actions(self, account: str, region: str, request: Document) -> Document:
        """DescribeScheduledActions."""
        return self._page("action", "ScheduledActions", account, region, request, names="ScheduledActionNames")

    def describe_activities(self, account: str, region: str, request: Document) -> Document:
        """DescribeScalingActivities, the newest first."""
        return self._page("activity", "ScalingActivities", account, region, request, newest_first=True)

    def _registered(self, account: str, region: str, request: Document) -> Variant:
        variant = Variant.from_request(account, region, request)
        if self._store.find("target", variant) is None:
            raise variant.not_registered()
        return variant

    def _new_target(self, variant: Variant, request: Document) -> Document:
        missing = [name for name in ("MinCapacity", "MaxCapacity") if name not in request]
        if missing:
            raise ValidationError(f"A new scalable target needs {' and '.join(missing)}.")
        target_id = uuid.uuid4().hex[:30]
        arn = f"arn:aws:application-autoscaling:{variant.region}:{variant.account}:scalable-target/{target_id}"
        return {
            **_identity(variant),
            "RoleARN": f"arn:aws:iam::{variant.account}:{SERVICE_LINKED_ROLE}",
            "CreationTime": self._clock.now(),
            "ScalableTargetARN": arn,
            "SuspendedState": {
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": False,
            },
        }

    def _new(self, arn_field: str, kind: str, name_part: str, variant: Variant, name: str) -> Document:
        arn = (
            f"arn:aws:autoscaling:{variant.region}:{variant.account}:{kind}:{uuid.uuid4()}:resource/sagemaker/"
            f"{variant.resource_id}:{name_part}/{name}"
        )
        return {**_identity(variant), arn_field: arn, "CreationTime": self._clock.now()}

    def _check_only_one(self, variant: Variant, name: str, queries: list[Document]) -> None:
        for other in self._store.of_variant("policy", variant):
            config = other.document["TargetTrackingScalingPolicyConfiguration"]
            if other.name != name and metric_queries(variant, config) == queries:
                raise ValidationError(
                    "Only one TargetTrackingScaling policy for a given metric specification is allowed."
                )

    def _delete(self, kind: Kind, variant: Variant, name: str, words: str) -> None:
        if self._store.find(kind, variant, name) is None:
            raise ApiError(
                "ObjectNotFoundException",
                f"No {words} found for service namespace: {NAMESPACE}, resource ID: {variant.resource_id}, "
                f"scalable dimension: {DIMENSION}, name: {name}",
            )
        self._store.delete(kind, variant, name)

    def _page(
        self,
        kind: Kind,
        member: str,
        account: str,
        region: str,
        request: Document,
        *,
        names: str = "",
        newest_first: bool = False,
    ) -> Document:
        check_namespace(request)
        wanted_ids = request.get("ResourceIds") or [request[key] for key in ("ResourceId",) if key in request]
        found = [
            entry
            for entry in self._store.of_account(kind, account, region)
            if (not wanted_ids or entry.variant.resource_id in wanted_ids)
            and request.get("ScalableDimension", DIMENSION) == DIMENSION
            and (not request.get(names) or entry.name in request[names])
        ]
        if newest_first:
            found.reverse()
        size = request.get("MaxResults") or _DEFAULT_PAGE
        if request.get("NextToken"):
            found = _after(found, request["NextToken"])
        page: Document = {member: [_shown(entry) for entry in found[:size]]}
        if len(found) > size:
            page["NextToken"] = base64.urlsafe_b64encode(str(found[size - 1].position).encode()).decode()
        return page


def forget(store: Store, variant: Variant) -> None:
    """Removes a target with its policies and scheduled actions; its activities stay on record."""
    with store.transaction():
        for kind in ("policy", "action"):
            for entry in store.of_variant(kind, variant):
                store.delete(kind, variant, entry.name)
        store.delete("target", variant)


def _identity(variant: Variant) -> Document:
    return {"ServiceNamespace": NAMESPACE, "ResourceId": variant.resource_id, "ScalableDimension": DIMENSION}


def check_range(target: Document) -> None:
    """Refuses a target whose range is none.

    Raises:
        ValidationError: It says why.
    """
    smallest, largest = target["MinCapacity"], target["MaxCapacity"]
    if smallest > largest:
        raise ValidationError(f"Maximum capacity ({largest}) cannot be less than minimum capacity ({smallest}).")
    if smallest < 1:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html
        raise ValidationError("Minimum capacity must be 1 or more: a variant without inference components never rests.")


def _range_cause(request: Document) -> str:
    words = {"MinCapacity": "minimum", "MaxCapacity": "maximum"}
    set_to = [f"{word} capacity was set to {request[name]}" for name, word in words.items() if name in request]
    return " and ".join(set_to)


def _shown(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.document.items() if not name.startswith("_")}


def _after(found: list[Entry], token: str) -> list[Entry]:
    try:
        position = int(base64.urlsafe_b64decode(token))
    except ValueError:
        position = -1
    positions = [entry.position for entry in found]
    if position not in positions:
        raise ApiError("InvalidNextTokenException", "The next token supplied was invalid.")
    return found[positions.index(position) + 1 :]
