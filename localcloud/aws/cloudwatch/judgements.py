"""What IAM judges about a call: on which alarms and dashboards, and with which condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.aws.request import Request
from localcloud.aws.service import Judgement

_EVERYTHING = "*"
_OF_ALARMS = ("DescribeAlarms", "DescribeAlarmHistory")


def alarm_arn(account: str, region: str, name: str) -> str:
    """ARN of an alarm."""
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"


def dashboard_arn(account: str, name: str) -> str:
    """ARN of a dashboard; they are of no region."""
    return f"arn:aws:cloudwatch::{account}:dashboard/{name}"


def judgements(request: Request) -> Sequence[Judgement]:
    """All that IAM judges about a call; what is no valid request is judged as far as it goes."""
    document = request.document
    namespace = document.get("Namespace")
    context = {"cloudwatch:namespace": namespace} if isinstance(namespace, str) else {}
    action = f"cloudwatch:{request.operation}"
    judged = [Judgement(action, arn, context) for arn in _resources(request, document)]
    if request.operation.startswith("Put") and document.get("Tags"):
        judged += [Judgement("cloudwatch:TagResource", one.resource_arn) for one in judged]
    if request.operation == "PutCompositeAlarm":
        judged.append(Judgement("cloudwatch:DescribeAlarms", _EVERYTHING))
    return judged


def _resources(request: Request, document: Mapping[str, Any]) -> list[str]:
    if isinstance(document.get("ResourceARN"), str):
        return [document["ResourceARN"]]
    dashboards = _texts(document, "DashboardName", "DashboardNames")
    if dashboards:
        return [dashboard_arn(request.account, name) for name in dashboards]
    alarms = _texts(document, "AlarmName", "AlarmNames")
    if request.operation in _OF_ALARMS and not alarms:
        alarms = ["*"]
    return [alarm_arn(request.account, request.region, name) for name in alarms] or [_EVERYTHING]


def _texts(document: Mapping[str, Any], single: str, several: str) -> list[str]:
    names = document.get(several)
    found = [document.get(single), *(names if isinstance(names, list) else [])]
    return [name for name in found if isinstance(name, str)]
