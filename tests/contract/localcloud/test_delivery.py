"""From event to function: rules, queues, partial failures, dead letters; nothing is lost on the way."""

import json
from concurrent.futures import ThreadPoolExecutor

from tests.contract.localcloud.resources import create_function, create_queue, create_role, receive, wait_for
from tests.running_cloud import ACCOUNT, REGION, RunningCloud

RECORDER = """
import boto3, json, os
def handle(event, context):
    failures = []
    for record in event["Records"]:
        body = json.loads(record["body"])
        if body.get("detail", body).get("poison"):
            failures.append({"itemIdentifier": record["messageId"]})
        else:
            boto3.client("sqs").send_message(QueueUrl=os.environ["OUTPUT"], MessageBody=record["body"])
    return {"batchItemFailures": failures}
"""


def connect(cloud: RunningCloud, name: str) -> dict[str, str]:
    """A queue → function → output queue, with dead letters after two receptions."""
    output_url, output_arn = create_queue(cloud, f"{name}-output")
    dead_url, dead_arn = create_queue(cloud, f"{name}-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    input_url, input_arn = create_queue(cloud, f"{name}-input", RedrivePolicy=redrive, VisibilityTimeout="1")
    role = create_role(
        cloud,
        f"{name}-role",
        [
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": output_arn},
            {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"], "Resource": input_arn},
        ],
    )
    environment = {"Variables": {"OUTPUT": output_url}}
    create_function(cloud, name, RECORDER, Role=role, Environment=environment, Timeout=20)
    cloud.client("lambda").create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=input_arn,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return {"input": input_url, "input_arn": input_arn, "output": output_url, "dead": dead_url}


def test_of_a_batch_only_the_failed_message_comes_again_and_ends_among_the_dead_letters(cloud: RunningCloud) -> None:
    queues = connect(cloud, "partial")
    entries = [{"Id": str(n), "MessageBody": json.dumps({"n": n, "poison": n == 1})} for n in range(3)]
    cloud.client("sqs").send_message_batch(QueueUrl=queues["input"], Entries=entries)
    assert sorted(receive(cloud, queues["output"])["n"] for _ in range(2)) == [0, 2]
    assert receive(cloud, queues["dead"]) == {"n": 1, "poison": True}


def test_an_event_reaches_the_function_through_rule_and_queue(cloud: RunningCloud) -> None:
    queues = connect(cloud, "events")
    events = cloud.client("events")
    events.put_rule(Name="pushes", EventPattern=json.dumps({"source": ["comal"], "detail-type": ["Pushed"]}))
    events.put_targets(Rule="pushes", Targets=[{"Id": "queue", "Arn": queues["input_arn"]}])
    entry = {"Source": "comal", "DetailType": "Pushed", "Detail": json.dumps({"number": 7})}
    events.put_events(Entries=[entry])
    assert receive(cloud, queues["output"])["detail"] == {"number": 7}


def test_no_message_is_lost_while_many_send_and_the_poller_receives(cloud: RunningCloud) -> None:
    queues = connect(cloud, "storm")
    events = cloud.client("events")
    events.put_rule(Name="storm", EventPattern=json.dumps({"source": ["storm"]}))
    events.put_targets(Rule="storm", Targets=[{"Id": "queue", "Arn": queues["input_arn"]}])
    sqs = cloud.client("sqs")

    def send(number: int) -> None:
        if number % 2:
            sqs.send_message(QueueUrl=queues["input"], MessageBody=json.dumps({"n": number}))
        else:
            entry = {"Source": "storm", "DetailType": "Blow", "Detail": json.dumps({"n": number})}
            events.put_events(Entries=[entry])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(100)))
    seen: set[int] = set()

    def collect() -> bool:
        found = sqs.receive_message(QueueUrl=queues["output"], MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            body = json.loads(message["Body"])
            seen.add(body.get("detail", body)["n"])
            sqs.delete_message(QueueUrl=queues["output"], ReceiptHandle=message["ReceiptHandle"])
        return len(seen) == 100

    wait_for(collect, "all messages")


def test_an_event_for_a_queue_or_function_that_is_gone_goes_to_the_targets_dead_letters(cloud: RunningCloud) -> None:
    dead_url, dead_arn = create_queue(cloud, "lost-and-found")
    events = cloud.client("events")
    events.put_rule(Name="orphans", EventPattern=json.dumps({"source": ["orphan"]}))
    for service, resource in (("sqs", "no-such-queue"), ("lambda", "function:no-such-function")):
        target = {
            "Id": service,
            "Arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}",
            "DeadLetterConfig": {"Arn": dead_arn},
        }
        events.put_targets(Rule="orphans", Targets=[target])
    events.put_events(Entries=[{"Source": "orphan", "DetailType": "Lost", "Detail": "{}"}])
    assert [receive(cloud, dead_url)["source"] for _ in range(2)] == ["orphan", "orphan"]


def test_an_object_in_a_bucket_is_an_event(cloud: RunningCloud) -> None:
    queue_url, queue_arn = create_queue(cloud, "objects")
    s3, events = cloud.client("s3"), cloud.client("events")
    s3.create_bucket(Bucket="announced")
    s3.put_bucket_versioning(Bucket="announced", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="announced", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["announced"]}, "object": {"key": [{"prefix": "incoming/"}]}},
    }
    events.put_rule(Name="objects", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="objects", Targets=[{"Id": "queue", "Arn": queue_arn}])
    s3.put_object(Bucket="announced", Key="other/x", Body=b"no")
    version = s3.put_object(Bucket="announced", Key="incoming/tacos/x.csv", Body=b"a,b\n")["VersionId"]
    detail = receive(cloud, queue_url)["detail"]
    assert detail["object"]["key"] == "incoming/tacos/x.csv"
    assert detail["object"]["version-id"] == version
