"""Functions, queues and executions have the metrics that AWS gives them, and alarms see them."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

from tests.contract.cloudwatch.conftest import Watched
from tests.contract.localcloud.resources import create_role
from tests.running_cloud import ACCOUNT, REGION

TIMEOUT_S = 20
DAY_S = 24 * 3600


def poll(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + TIMEOUT_S
    while not (value := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


def total(watched: Watched, namespace: str, metric: str, dimensions: dict[str, str]) -> float:
    now = watched.now()
    answer = watched.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


def make_function(watched: Watched, source: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", source)
    aws_lambda = watched.cloud.client("lambda")
    role = create_role(watched.cloud, watched.namespace, [])
    aws_lambda.create_function(
        FunctionName=watched.namespace,
        Runtime="python3.11",
        Role=role,
        Handler="main.handle",
        Code={"ZipFile": packed.getvalue()},
    )
    aws_lambda.get_waiter("function_active_v2").wait(FunctionName=watched.namespace)


def test_functions_count_invocations_and_errors_however_they_are_called(watched: Watched) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html ."""
    make_function(watched, "def handle(event, context):\n    return 1 / event['by']\n")
    aws_lambda = watched.cloud.client("lambda")
    for by, how in ((1, "RequestResponse"), (0, "RequestResponse"), (1, "Event")):
        aws_lambda.invoke(FunctionName=watched.namespace, InvocationType=how, Payload=json.dumps({"by": by}))
    dimensions = {"FunctionName": watched.namespace}
    poll(lambda: total(watched, "AWS/Lambda", "Invocations", dimensions) == 3)
    assert total(watched, "AWS/Lambda", "Invocations", dimensions) == 3
    assert total(watched, "AWS/Lambda", "Errors", dimensions) == 1
    assert total(watched, "AWS/Lambda", "Duration", dimensions) > 0


def test_a_function_prints_metrics(watched: Watched) -> None:
    directive = {"Namespace": watched.namespace, "Dimensions": [[]], "Metrics": [{"Name": "sales"}]}
    source = f"""
import json, time
def handle(event, context):
    about = {{"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [{directive!r}]}}
    print(json.dumps({{"_aws": about, "sales": 3}}))
"""
    make_function(watched, source)
    watched.cloud.client("lambda").invoke(FunctionName=watched.namespace)
    assert poll(lambda: total(watched, watched.namespace, "sales", {})) == 3.0


def test_a_failed_execution_is_counted(watched: Watched) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html ."""
    states = watched.cloud.client("stepfunctions")
    role = create_role(watched.cloud, watched.namespace, [])
    definition = json.dumps({"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Broken"}}})
    machine = states.create_state_machine(name=watched.namespace, definition=definition, roleArn=role)
    arn = machine["stateMachineArn"]
    states.start_execution(stateMachineArn=arn)
    dimensions = {"StateMachineArn": arn}
    assert poll(lambda: total(watched, "AWS/States", "ExecutionsFailed", dimensions)) == 1.0
    assert total(watched, "AWS/States", "ExecutionsStarted", dimensions) == 1.0


def test_a_rule_counts_its_deliveries_and_those_that_nobody_took(watched: Watched) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html ."""
    events = watched.cloud.client("events")
    events.put_rule(Name=watched.namespace, EventPattern=json.dumps({"source": [watched.namespace]}))
    target = {"Id": "gone", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone-{watched.namespace}"}
    events.put_targets(Rule=watched.namespace, Targets=[target])
    events.put_events(Entries=[{"Source": watched.namespace, "DetailType": "Sold", "Detail": "{}"}])
    dimensions = {"RuleName": watched.namespace}
    assert poll(lambda: total(watched, "AWS/Events", "FailedInvocations", dimensions)) == 1.0
    assert total(watched, "AWS/Events", "Invocations", dimensions) == 1.0


def put_queue_alarm(watched: Watched) -> str:
    url: str = watched.cloud.client("sqs").create_queue(QueueName=watched.namespace)["QueueUrl"]
    watched.put_alarm(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": watched.namespace}],
        EvaluationPeriods=3,
        DatapointsToAlarm=1,
        TreatMissingData="notBreaching",
    )
    return url


def test_an_alarm_stays_as_long_as_a_message_lies_in_the_queue(watched: Watched) -> None:
    """docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html ."""
    url = put_queue_alarm(watched)
    sqs = watched.cloud.client("sqs")
    watched.to_the_minute()
    assert watched.state == "OK"
    sqs.send_message(QueueUrl=url, MessageBody="a letter that nobody reads")
    watched.to_the_minute()
    watched.to_the_minute()
    assert watched.state == "ALARM"
    answer = watched.cloud.advance(DAY_S)
    assert answer["stops"] < 60
    assert watched.state == "ALARM"
    history = watched.cloudwatch.describe_alarm_history(AlarmName=watched.alarm, HistoryItemType="StateUpdate")
    changes = [item["HistorySummary"] for item in history["AlarmHistoryItems"]]
    assert changes == ["Alarm updated from OK to ALARM", "Alarm updated from INSUFFICIENT_DATA to OK"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    for _ in range(6):
        watched.to_the_minute()
    assert watched.state == "OK"


def test_the_age_of_the_oldest_message_is_told_while_there_is_one(watched: Watched) -> None:
    sqs = watched.cloud.client("sqs")
    url = sqs.create_queue(QueueName=watched.namespace)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    dimensions = {"QueueName": watched.namespace}

    def ages() -> float:
        return total(watched, "AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions)

    assert poll(ages) > 0
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{watched.namespace}"
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"] == arn
