"""What happens when an alarm changes its state: an event, a message on a topic, a function's invocation."""

import io
import json
import zipfile

from tests.contract.cloudwatch.conftest import Watched, messages, queue_arn
from tests.contract.localcloud.resources import wait_for


def test_a_change_of_state_is_an_event(watched: Watched, queue: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html ."""
    events = watched.cloud.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [watched.alarm], "state": {"value": ["ALARM"]}}}
    events.put_rule(Name=watched.namespace, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=watched.namespace, Targets=[{"Id": "queue", "Arn": queue_arn(watched)}])
    watched.put_alarm(AlarmDescription="too many")
    watched.to_the_minute()
    watched.measure(1.0)
    watched.to_the_minute()
    (event,) = messages(watched, queue, 1)
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [watched.described()["AlarmArn"]]
    detail = event["detail"]
    assert detail["state"]["reason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [1.0 (")
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [1.0]
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["configuration"]["description"] == "too many"
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"]["metric"] == {"namespace": watched.namespace, "name": "sales", "dimensions": {}}


def test_topics_are_told_of_changes_only_and_not_while_actions_are_off(watched: Watched, queue: str) -> None:
    sns = watched.cloud.client("sns")
    topic = sns.create_topic(Name=watched.namespace)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(watched))
    watched.put_alarm(AlarmActions=[topic], OKActions=[topic], TreatMissingData="ignore")

    def set_state(value: str) -> None:
        watched.cloudwatch.set_alarm_state(AlarmName=watched.alarm, StateValue=value, StateReason=f"now {value}")

    watched.cloudwatch.disable_alarm_actions(AlarmNames=[watched.alarm])
    set_state("ALARM")
    watched.cloudwatch.enable_alarm_actions(AlarmNames=[watched.alarm])
    set_state("OK")
    (told,) = messages(watched, queue, 1)
    message = json.loads(told["Message"])
    assert (message["AlarmName"], message["OldStateValue"], message["NewStateValue"]) == (watched.alarm, "ALARM", "OK")
    assert message["Trigger"]["MetricName"] == "sales"

    def carried_out() -> list[str]:
        items = watched.cloudwatch.describe_alarm_history(AlarmName=watched.alarm, HistoryItemType="Action")
        return [item["HistorySummary"] for item in items["AlarmHistoryItems"]]

    assert wait_for(carried_out, "the action's item") == [f"Successfully executed action {topic}"]


def test_a_function_is_invoked(watched: Watched, queue: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html ."""
    source = f"""
import json, boto3
def handle(event, context):
    boto3.client("sqs").send_message(QueueUrl={queue!r}, MessageBody=json.dumps(event))
"""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("watcher.py", source)
    role = make_role(watched)
    function = watched.cloud.client("lambda").create_function(
        FunctionName=watched.namespace,
        Runtime="python3.11",
        Role=role,
        Handler="watcher.handle",
        Code={"ZipFile": packed.getvalue()},
    )["FunctionArn"]
    watched.cloud.client("lambda").get_waiter("function_active_v2").wait(FunctionName=watched.namespace)
    watched.put_alarm(AlarmActions=[function])
    watched.cloudwatch.set_alarm_state(AlarmName=watched.alarm, StateValue="ALARM", StateReason="test")
    (payload,) = messages(watched, queue, 1)
    assert payload["alarmArn"] == watched.described()["AlarmArn"]
    assert payload["alarmData"]["state"]["value"] == "ALARM"


def make_role(watched: Watched) -> str:
    iam = watched.cloud.client("iam")
    principal = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
    arn: str = iam.create_role(RoleName=watched.namespace, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn(watched)}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [sends]})
    iam.put_role_policy(RoleName=watched.namespace, PolicyName="sends", PolicyDocument=policy)
    return arn
