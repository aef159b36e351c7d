"""What IAM judges about a call of Application Auto Scaling: the call, and what its caller must be allowed besides.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html
"""

from collections.abc import Sequence

from localcloud.aws.autoscaling.operations import SERVICE_LINKED_ROLE
from localcloud.aws.autoscaling.store import Store
from localcloud.aws.autoscaling.variant import Variant
from localcloud.aws.request import Request
from localcloud.aws.service import Judgement

_SERVICE = "application-autoscaling"
_LINKED_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_ALARM_ACTIONS = {
    "PutScalingPolicy": ("PutMetricAlarm", "DescribeAlarms"),
    "DeleteScalingPolicy": ("DeleteAlarms",),
}


def judgements(store: Store, request: Request) -> Sequence[Judgement]:
    """All judgements of a call, its own first."""
    document, account, region = request.document, request.account, request.region
    action = f"{_SERVICE}:{request.operation}"
    resource_id = document.get("ResourceId")
    if request.operation.startswith("Describe") or not isinstance(resource_id, str):
        return [Judgement(action, "*")]
    variant = Variant(account, region, resource_id)
    target = store.find("target", variant)
    unknown = f"arn:aws:{_SERVICE}:{region}:{account}:scalable-target/new"
    context = {
        f"{_SERVICE}:service-namespace": str(document.get("ServiceNamespace", "")),
        f"{_SERVICE}:scalable-dimension": str(document.get("ScalableDimension", "")),
    }
    found = [Judgement(action, target["ScalableTargetARN"] if target else unknown, context)]
    endpoint = resource_id.split("/")[1] if resource_id.count("/") == 3 else "*"
    if request.operation == "RegisterScalableTarget":
        endpoint_arn = f"arn:aws:sagemaker:{region}:{account}:endpoint/{endpoint.lower()}"
        found += [
            Judgement("sagemaker:DescribeEndpoint", endpoint_arn),
            Judgement("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint_arn),
        ]
        if not store.of_account("target", account, region):
            # The first target of an account: AWS makes the role that scales it.
            role_arn = f"arn:aws:iam::{account}:{SERVICE_LINKED_ROLE}"
            found.append(Judgement("iam:CreateServiceLinkedRole", role_arn, {"iam:AWSServiceName": _LINKED_SERVICE}))
    alarms_arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:TargetTracking-{resource_id}-AlarmHigh"
    found += [
        Judgement(f"cloudwatch:{alarm_action}", alarms_arn)
        for alarm_action in _ALARM_ACTIONS.get(request.operation, ())
    ]
    return found
