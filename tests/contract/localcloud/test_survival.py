"""What is left after kill -9: everything but the last two seconds, and never a broken file."""

import json
import time
from pathlib import Path

from tests.contract.localcloud.resources import create_function, create_queue, create_role, make_zip, wait_for
from tests.running_cloud import REGION, RunningCloud, find_free_port, start_cloud, stop_cloud

LOST_AT_MOST_S = 2.0


def fill(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="kept", Key="k", Body=b"first", Metadata={"push-id": "1"})
    s3.put_object(Bucket="kept", Key="k", Body=b"second")
    table = cloud.client("dynamodb")
    table.create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(TableName="kept", Item={"pk": {"S": "1"}, "bytes": {"B": b"\x00\xff"}})
    url, arn = create_queue(cloud, "kept")
    cloud.client("sqs").send_message(QueueUrl=url, MessageBody="a message")
    content = {"ZipFile": make_zip({"python/in_layer.py": "x = 3"})}
    layer = cloud.client("lambda").publish_layer_version(LayerName="kept", Content=content)["LayerVersionArn"]
    code = "import in_layer\ndef handle(event, context): return in_layer.x"
    create_function(cloud, "kept", code, Layers=[layer])
    cloud.client("lambda").invoke(FunctionName="kept")
    _, input_arn = create_queue(cloud, "kept-input")
    cloud.client("lambda").create_event_source_mapping(FunctionName="kept", EventSourceArn=input_arn)
    events = cloud.client("events")
    events.put_rule(Name="kept", EventPattern=json.dumps({"source": ["comal"]}))
    events.put_targets(Rule="kept", Targets=[{"Id": "1", "Arn": arn}])
    role = create_role(cloud, "kept", [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}])
    machine = {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}
    cloud.client("stepfunctions").create_state_machine(name="kept", definition=json.dumps(machine), roleArn=role)


def check(cloud: RunningCloud) -> None:
    s3 = cloud.client("s3")
    versions = s3.list_object_versions(Bucket="kept")["Versions"]
    bodies = [s3.get_object(Bucket="kept", Key="k", VersionId=v["VersionId"]) for v in versions]
    assert [body["Body"].read() for body in bodies] == [b"second", b"first"]
    assert bodies[1]["Metadata"] == {"push-id": "1"}
    item = cloud.client("dynamodb").get_item(TableName="kept", Key={"pk": {"S": "1"}})["Item"]
    assert item["bytes"] == {"B": b"\x00\xff"}
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "a message"
    answer = cloud.client("lambda").invoke(FunctionName="kept")
    assert json.loads(answer["Payload"].read()) == 3
    mappings = cloud.client("lambda").list_event_source_mappings(FunctionName="kept")["EventSourceMappings"]
    assert [mapping["EventSourceArn"].rsplit(":")[-1] for mapping in mappings] == ["kept-input"]
    # The mapping is at work again: it takes what is sent.
    input_url = sqs.get_queue_url(QueueName="kept-input")["QueueUrl"]
    sqs.send_message(QueueUrl=input_url, MessageBody="{}")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    wait_for(
        lambda: set(sqs.get_queue_attributes(QueueUrl=input_url, AttributeNames=names)["Attributes"].values()) == {"0"},
        "an empty queue",
    )
    assert cloud.client("events").list_targets_by_rule(Rule="kept")["Targets"][0]["Arn"].endswith(":kept")
    assert cloud.client("iam").get_role_policy(RoleName="kept", PolicyName="allow")["PolicyName"] == "allow"
    machines = cloud.client("stepfunctions").list_state_machines()["stateMachines"]
    assert [machine["name"] for machine in machines] == ["kept"]


def test_after_kill_9_everything_older_than_two_seconds_is_there(tmp_path: Path) -> None:
    first = start_cloud(tmp_path / "state")
    fill(first)
    time.sleep(LOST_AT_MOST_S)  # the promise itself
    workers = list((tmp_path / "state" / "tmp").glob("ministack-lambda-*"))
    assert workers
    first.process.kill()
    first.process.wait()
    second = start_cloud(tmp_path / "state", first.port)
    try:
        assert not any(directory.exists() for directory in workers), "what the killed workers left is removed"
        check(second)
    finally:
        stop_cloud(second)
    third = start_cloud(tmp_path / "state", first.port)
    try:
        assert third.client("iam").get_role(RoleName="kept")
    finally:
        stop_cloud(third)


def processes_below(directory: Path) -> list[str]:
    """Command lines that name a file below a directory."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended meanwhile
            continue
    return [line for line in lines if str(directory) in line]


def test_what_a_killed_function_was_at_work_on_is_worked_on_at_once(tmp_path: Path) -> None:
    cloud = start_cloud(tmp_path / "state")
    sqs = cloud.client("sqs")
    url, arn = create_queue(cloud, "work")
    redrive = {"deadLetterTargetArn": create_queue(cloud, "dead")[1], "maxReceiveCount": "1"}
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"VisibilityTimeout": "1800", "RedrivePolicy": json.dumps(redrive)}
    )
    create_function(cloud, "worker", "import time\ndef handle(event, context): time.sleep(600)", Timeout=900)
    mapping = cloud.client("lambda").create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    sqs.send_message(QueueUrl=url, MessageBody="a message")
    received = ["ApproximateNumberOfMessagesNotVisible"]
    wait_for(
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=received)["Attributes"][received[0]] == "1",
        "the worker",
    )
    assert any("_worker.py" in line for line in processes_below(tmp_path))
    cloud.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    time.sleep(LOST_AT_MOST_S)
    cloud.process.kill()
    cloud.process.wait()
    wait_for(lambda: not processes_below(tmp_path), "the function's end")
    second = start_cloud(tmp_path / "state", cloud.port)
    try:
        messages = second.client("sqs").receive_message(QueueUrl=url)["Messages"]
        assert [message["Body"] for message in messages] == ["a message"]
    finally:
        stop_cloud(second)


def test_on_another_port_functions_get_their_messages(tmp_path: Path) -> None:
    first = start_cloud(tmp_path / "state")
    url, arn = create_queue(first, "work")
    create_function(first, "worker", "def handle(event, context): pass")
    first.client("lambda").create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    stop_cloud(first)
    second = start_cloud(tmp_path / "state", find_free_port())
    try:
        sqs = second.client("sqs")
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="work")["QueueUrl"], MessageBody="a message")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        wait_for(
            lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"},
            "the function",
        )
    finally:
        stop_cloud(second)


def test_what_led_to_the_removal_of_an_object_is_not_forgotten(tmp_path: Path) -> None:
    """Else a file that was taken in would be gone from where it came, and nowhere else."""
    cloud = start_cloud(tmp_path / "state")
    role = create_role(cloud, "taker", [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    session = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="taker")["Credentials"]
    keys = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
    s3, table = cloud.client("s3", *keys), cloud.client("dynamodb")
    cloud.client("s3").create_bucket(Bucket="incoming")
    table.create_table(
        TableName="taken",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(3):
        s3.put_object(Bucket="incoming", Key=f"file{number}", Body=b"rows")
        table.put_item(TableName="taken", Item={"pk": {"S": f"file{number}"}})
        s3.delete_object(Bucket="incoming", Key=f"file{number}")
    cloud.process.kill()
    cloud.process.wait()
    second = start_cloud(tmp_path / "state", cloud.port)
    try:
        assert second.client("dynamodb").scan(TableName="taken")["Count"] == 3
        assert "Contents" not in second.client("s3").list_objects_v2(Bucket="incoming")
    finally:
        stop_cloud(second)


def test_only_what_changed_is_written_and_a_layer_only_once(tmp_path: Path) -> None:
    cloud = start_cloud(tmp_path / "state")
    try:
        content = make_zip({"python/data.txt": "0123456789" * 100_000})
        cloud.client("lambda").publish_layer_version(LayerName="large", Content={"ZipFile": content})
        create_queue(cloud, "one")
        saved = tmp_path / "state" / "ministack"
        wait_for(lambda: (saved / "lambda.json").exists() and (saved / "sqs.json").exists(), "the save")
        assert (saved / "lambda.json").stat().st_size < 10_000, "the layer's zip is not in it"
        before = (saved / "lambda.json").stat().st_mtime_ns
        layer = next((tmp_path / "state" / "layers" / "zip").iterdir())
        layer_before = layer.stat().st_mtime_ns
        create_queue(cloud, "two")
        wait_for(lambda: "two" in (saved / "sqs.json").read_text(), "the second save")
        assert (saved / "lambda.json").stat().st_mtime_ns == before
        assert layer.stat().st_mtime_ns == layer_before
    finally:
        stop_cloud(cloud)


def test_a_clean_stop_loses_nothing_and_leaves_no_worker(tmp_path: Path) -> None:
    cloud = start_cloud(tmp_path / "state")
    create_function(cloud, "warm", "def handle(event, context): return 1")
    cloud.client("lambda").invoke(FunctionName="warm")
    cloud.client("s3").create_bucket(Bucket="last-moment")
    stop_cloud(cloud)
    assert cloud.process.returncode == 0
    assert not list((tmp_path / "state" / "tmp").glob("ministack-lambda-*"))
    again = start_cloud(tmp_path / "state", cloud.port)
    try:
        assert again.client("s3").get_bucket_location(Bucket="last-moment")["LocationConstraint"] in (None, REGION)
    finally:
        stop_cloud(again)
