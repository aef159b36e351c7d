"""A role may do with CloudWatch what its policies allow, on the alarms and namespaces that they name.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.cloudwatch.conftest import Watched
from tests.contract.localcloud.resources import create_role
from tests.running_cloud import ACCOUNT, REGION


def client_of_role(watched: Watched, statements: list[dict[str, Any]]) -> Any:
    arn = create_role(watched.cloud, f"{watched.namespace}-role", statements)
    keys = watched.cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return watched.cloud.client("cloudwatch", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def test_a_role_measures_in_the_namespaces_that_its_policy_names(watched: Watched) -> None:
    """docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html ."""
    condition = {"StringLike": {"cloudwatch:namespace": f"{watched.namespace}*"}}
    statement = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition}
    client = client_of_role(watched, [statement])
    data = [{"MetricName": "sales", "Value": 1.0}]
    client.put_metric_data(Namespace=watched.namespace, MetricData=data)
    with pytest.raises(ClientError, match="cloudwatch:PutMetricData"):
        client.put_metric_data(Namespace="bank", MetricData=data)


def test_a_role_changes_the_alarms_that_its_policy_names(watched: Watched) -> None:
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{watched.alarm}*"
    actions = ["cloudwatch:SetAlarmState", "cloudwatch:DeleteAlarms"]
    client = client_of_role(watched, [{"Effect": "Allow", "Action": actions, "Resource": arn}])
    watched.put_alarm()
    watched.put_alarm(AlarmName=f"other-{watched.alarm}")
    client.set_alarm_state(AlarmName=watched.alarm, StateValue="OK", StateReason="test")
    with pytest.raises(ClientError, match="cloudwatch:DeleteAlarms"):
        client.delete_alarms(AlarmNames=[watched.alarm, f"other-{watched.alarm}"])
    client.delete_alarms(AlarmNames=[watched.alarm])
    with pytest.raises(ClientError, match="cloudwatch:DescribeAlarms"):
        client.describe_alarms()


def test_tags_need_a_right_of_their_own(watched: Watched) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html ."""
    allowed = {"Effect": "Allow", "Action": "cloudwatch:PutMetricAlarm", "Resource": "*"}
    watched.cloudwatch = client_of_role(watched, [allowed])
    watched.put_alarm()
    with pytest.raises(ClientError, match="cloudwatch:TagResource"):
        watched.put_alarm(AlarmName=f"{watched.alarm}-tagged", Tags=[{"Key": "team", "Value": "tacos"}])
