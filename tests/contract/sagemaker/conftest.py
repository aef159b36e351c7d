"""A local cloud with toy images, a role, a bucket, and a queue that hears SageMaker's events."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.running_cloud import REPOSITORY, RunningCloud, find_free_port, stop_cloud, wait_until_ready

TOY_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/toy:1"
TOY = {"command": [sys.executable, str(Path(__file__).with_name("toy_container.py"))], "cwd": "/", "env": {}}
BATCH_IMAGE = TOY_IMAGE.replace("toy:1", "toy:batch")
BATCH = {**TOY, "command": [sys.executable, str(Path(__file__).with_name("toy_transformer.py"))]}
WARM_IMAGE = TOY_IMAGE.replace("toy:1", "toy:warm")
UNLOADABLE_IMAGE = TOY_IMAGE.replace("toy:1", "toy:unloadable")
IMAGES = {
    TOY_IMAGE: TOY,
    BATCH_IMAGE: BATCH,
    # A module that nothing else imports, so that its presence tells a warm start from a cold one.
    WARM_IMAGE: {**TOY, "preload": ["wave"]},
    UNLOADABLE_IMAGE: {**TOY, "preload": ["no_such_module"]},
}
WAIT_S = 20.0


def wait_for(probe: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        value = probe()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError(f"Waited {WAIT_S} s in vain for {what}")


@dataclass
class Setup:
    """One local cloud with what every test of SageMaker needs."""

    cloud: RunningCloud
    bucket: str = "toys"
    role: str = "arn:aws:iam::000000000000:role/toy"
    queue: str = ""

    def __post_init__(self) -> None:
        self.sagemaker = self.cloud.client("sagemaker")
        self.runtime = self.cloud.client("sagemaker-runtime")
        self.s3 = self.cloud.client("s3")

    def create(self) -> None:
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="data/train/a.csv", Body=b"1,2")
        self.s3.put_object(Bucket=self.bucket, Key="data/train/deep/b.csv", Body=b"3,4")
        self.make_role("toy", ["s3:*"])
        sqs, events = self.cloud.client("sqs"), self.cloud.client("events")
        self.queue = sqs.create_queue(QueueName="sagemaker-events")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="sagemaker", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
        events.put_targets(Rule="sagemaker", Targets=[{"Id": "queue", "Arn": arn}])

    def make_role(self, name: str, actions: list[str], service: str = "sagemaker.amazonaws.com") -> str:
        iam = self.cloud.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        policy = {"Version": "2012-10-17", "Statement": [trust]}
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
        if actions:
            allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
        return arn

    def training_request(self, **changes: Any) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/data/train/"}
        request: dict[str, Any] = {
            "TrainingJobName": f"job-{uuid4().hex[:8]}",
            "AlgorithmSpecification": {
                "TrainingImage": TOY_IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "rmse", "Regex": "metric rmse=([-0-9.e+]+)"}],
            },
            "RoleArn": self.role,
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "HyperParameters": {"deed": "succeed"},
            "Tags": [{"Key": "team", "Value": "toys"}],
        }
        return request | changes

    def train(self, deed: str = "succeed", **changes: Any) -> str:
        request = self.training_request(HyperParameters={"deed": deed}, **changes)
        self.sagemaker.create_training_job(**request)
        name: str = request["TrainingJobName"]
        return name

    def job(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return described

    def await_job(self, name: str, *statuses: str) -> dict[str, Any]:
        wanted = statuses or ("Completed", "Failed", "Stopped")

        def ended() -> dict[str, Any] | None:
            job = self.job(name)
            return job if job["TrainingJobStatus"] in wanted or job["SecondaryStatus"] in wanted else None

        found: dict[str, Any] = wait_for(ended, f"{name} in {wanted}")
        return found

    def process_ids(self, name: str) -> dict[str, Any]:
        directory = self.cloud.state_dir / "sagemaker/training-jobs" / f"000000000000-us-east-1-{name}"
        wait_for((directory / "process.json").exists, "the process")
        ids: dict[str, Any] = json.loads((directory / "process.json").read_text())
        return ids

    def events(self, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """All events about which the queue hears until the condition holds."""
        sqs = self.cloud.client("sqs")
        heard: list[dict[str, Any]] = []

        def listen() -> bool:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                heard.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return until(heard)

        wait_for(listen, "events")
        return heard


def start_toy_cloud(state_dir: Path, port: int | None = None) -> RunningCloud:
    """A local cloud whose images are the toys from its first moment on."""
    port = port or find_free_port()
    images = state_dir / "toy-images.json"
    images.write_text(json.dumps(IMAGES))
    arguments = ["--state-dir", str(state_dir), "--port", str(port), "--images", str(images)]
    with (state_dir / "cloud.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.aws", *arguments],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    running = RunningCloud(f"http://127.0.0.1:{port}", port, state_dir, images, process)
    wait_until_ready(running)
    return running


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Code and message of the error that a call raises."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    cloud = start_toy_cloud(tmp_path_factory.mktemp("sagemaker"))
    prepared = Setup(cloud)
    prepared.create()
    yield prepared
    stop_cloud(cloud)
