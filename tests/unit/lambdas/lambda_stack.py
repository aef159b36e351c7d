"""What a function finds around it: a stack's buckets, tables, group, role and bus, on a running local cloud."""

import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from comal import s3_layout
from comal.names import Names
from comal.recipe import Recipe
from tests.running_cloud import ACCOUNT, REGION, REPOSITORY, RunningCloud
from tests.unit.comal.registry_samples import make_recipe

GOOD_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/lambda-tests:good"
BROKEN_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/lambda-tests:broken"
TOY_CONTAINER = REPOSITORY / "tests/contract/sagemaker/toy_container.py"
NOW = "2026-03-01T12:00:00Z"
WAIT_S = 60.0


def wait_for(probe: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        value = probe()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError(f"Waited {WAIT_S} s in vain for {what}")


class Context:
    """Lambda's context, as far as functions look at it."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:function"
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def sqs_event(*envelopes: dict[str, Any]) -> dict[str, Any]:
    """A batch of messages, as Lambda hands it over."""
    records = [
        {
            "messageId": f"message-{number}",
            "receiptHandle": "handle",
            "body": json.dumps(envelope),
            "attributes": {},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue",
            "awsRegion": REGION,
        }
        for number, envelope in enumerate(envelopes)
    ]
    return {"Records": records}


@dataclass
class LambdaStack:
    """One stack of one model."""

    cloud: RunningCloud
    names: Names
    recipe: Recipe = field(default_factory=make_recipe)

    def __post_init__(self) -> None:
        self.s3 = self.cloud.client("s3")
        self.dynamodb = self.cloud.client("dynamodb")
        self.sagemaker = self.cloud.client("sagemaker")
        self.feature_runtime = self.cloud.client("sagemaker-featurestore-runtime")
        self.stepfunctions = self.cloud.client("stepfunctions")
        self.sqs = self.cloud.client("sqs")
        self.role_arn = f"arn:aws:iam::{ACCOUNT}:role/{self.names.shared('everything')}"

    @property
    def model(self) -> str:
        return self.recipe.model

    def create(self) -> None:
        for kind in ("landing", "lake", "models"):
            bucket = self.names.bucket(kind)
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for noun in ("batches", "retraining", "features"):
            self.dynamodb.create_table(
                TableName=self.names.shared(noun),
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                BillingMode="PAY_PER_REQUEST",
            )
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.names.of_model(self.model))
        self._make_role()
        self._teach_images()
        self.queue = self._listen()
        self.deploy(self.recipe)

    def deploy(self, recipe: Recipe) -> None:
        """What `up` does for a recipe."""
        self.recipe = recipe
        key = s3_layout.recipe_key(recipe.model)
        self.s3.put_object(Bucket=self.names.bucket("lake"), Key=key, Body=recipe.model_dump_json().encode())

    def events(self, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """All of the kit's events that came until the condition holds."""
        heard: list[dict[str, Any]] = []

        def listen() -> bool:
            answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                heard.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return until(heard)

        wait_for(listen, "events")
        return heard

    def add_version(self, image: str = GOOD_IMAGE, approval: str = "Approved") -> str:
        """A version whose archive is there; its ARN."""
        key = f"{self.model}/runs/somebody/model.tar.gz"
        self.s3.put_object(Bucket=self.names.bucket("models"), Key=key, Body=_EMPTY_ARCHIVE)
        container = {"Image": image, "ModelDataUrl": f"s3://{self.names.bucket('models')}/{key}"}
        created = self.sagemaker.create_model_package(
            ModelPackageGroupName=self.names.of_model(self.model),
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelApprovalStatus=approval,
        )
        arn: str = created["ModelPackageArn"]
        return arn

    def approval_of(self, arn: str) -> tuple[str, str]:
        package = self.sagemaker.describe_model_package(ModelPackageName=arn)
        return package["ModelApprovalStatus"], package.get("ApprovalDescription", "")

    def _make_role(self) -> None:
        iam = self.cloud.client("iam")
        services = ["sagemaker.amazonaws.com", "states.amazonaws.com"]
        trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        name = self.names.shared("everything")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=_policy(allowed))

    def _teach_images(self) -> None:
        """Images are read at each start of a container, so that they can be added to a running cloud."""
        toy: dict[str, Any] = {"command": [sys.executable, str(TOY_CONTAINER)], "cwd": "/"}
        images = json.loads(self.cloud.images.read_text())
        images[GOOD_IMAGE] = {**toy, "env": {}}
        images[BROKEN_IMAGE] = {**toy, "env": {"TOY_START": "fail"}}
        self.cloud.images.write_text(json.dumps(images))

    def _listen(self) -> str:
        """A queue that hears what the stack's functions emit."""
        events = self.cloud.client("events")
        name = self.names.shared("hears-everything")
        url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = {"source": ["comal"], "detail": {"stack": [self.names.stack]}}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": answer["Attributes"]["QueueArn"]}])
        return url


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _empty_archive() -> bytes:

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    return buffer.getvalue()


_EMPTY_ARCHIVE = _empty_archive()
