"""A stack's buckets, table and events on the local cloud, for tests of validate_batch."""

import copy
import json
import uuid
from pathlib import Path
from typing import Any

from comal import s3_layout
from comal.event_bus import EventBus
from comal.names import Names
from comal.recipe import Recipe
from comal.table_items import from_item
from lambdas.validate_batch.batch import Batch
from lambdas.validate_batch.batch_table import BatchTable
from lambdas.validate_batch.buckets import Buckets
from lambdas.validate_batch.logic import Lease, Validation
from lambdas.validate_batch.upload import read_upload
from tests.running_cloud import ACCOUNT, REGION, REPOSITORY, RunningCloud

GOLDEN = json.loads((REPOSITORY / "tests/events/aws_s3_object_created.json").read_text())
NOW_S = 1_772_438_400
RECIPE = Recipe.model_validate(
    {
        "model": "tacos",
        "task": "regression",
        "target": "minutes",
        "features": {
            "distance_km": {"type": "number", "min": 0},
            "store": {"type": "category", "values": ["centro", "norte"]},
        },
    }
)
GOOD = b"distance_km,store,minutes\n1.5,centro,12\n2.5,norte,20\n"
BAD = b"distance_km,store,minutes\n1.5,<b>sur</b>,12\n"


class World:
    """One stack of its own."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.names = Names(f"t{uuid.uuid4().hex[:10]}", ACCOUNT, REGION)
        self.s3 = cloud.client("s3")
        self.dynamodb = cloud.client("dynamodb")
        self.events = cloud.client("events")
        self.sqs = cloud.client("sqs")
        self.landing, self.lake = self.names.bucket("landing"), self.names.bucket("lake")
        for bucket in (self.landing, self.lake):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.dynamodb.create_table(
            TableName=self.names.shared("batches"),
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        self.inbox = self.sqs.create_queue(
            QueueName=self.names.shared("validate_batch"), Attributes={"VisibilityTimeout": "1800"}
        )["QueueUrl"]
        self._listen()
        self.put_recipe(RECIPE)

    def _listen(self) -> None:
        self.queue = self.sqs.create_queue(QueueName=self.names.shared("heard"))["QueueUrl"]
        pattern = {"source": ["comal"], "detail": {"stack": [self.names.stack]}}
        rule = self.names.shared("heard")
        self.events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
        self.events.put_targets(
            Rule=rule, Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.names.shared('heard')}"}]
        )

    def heard(self) -> list[dict[str, Any]]:
        """Envelopes of the kit's events so far, with repetitions; each is told once."""
        envelopes = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                envelopes.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return envelopes

    def put_recipe(self, recipe: Recipe) -> None:
        key = s3_layout.recipe_key(recipe.model)
        self.s3.put_object(Bucket=self.lake, Key=key, Body=recipe.model_dump_json().encode())

    def push(self, content: bytes, path: str = "week1.csv", model: str = "tacos", **metadata: str) -> dict[str, Any]:
        """Put an object and return the event that S3 sends."""
        return self.put(s3_layout.incoming_key(model, path), content, **metadata)

    def put(self, key: str, content: bytes, **metadata: str) -> dict[str, Any]:
        answer = self.s3.put_object(Bucket=self.landing, Key=key, Body=content, Metadata=metadata)
        envelope = copy.deepcopy(GOLDEN)
        envelope["detail"]["bucket"]["name"] = self.landing
        envelope["detail"]["object"].update({"key": key, "size": len(content), "version-id": answer["VersionId"]})
        return envelope

    def send(self, envelope: dict[str, Any]) -> None:
        """Put a message into the function's queue, as its rule does."""
        self.sqs.send_message(QueueUrl=self.inbox, MessageBody=json.dumps(envelope))

    def receive(self, wait_s: int = 0) -> list[dict[str, Any]]:
        """What is visible in the function's queue, as Lambda hands it over."""
        answer = self.sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.names.shared('validate_batch')}"
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
            }
            for message in answer.get("Messages", [])
        ]

    def validate(self, envelope: dict[str, Any], now_s: int = NOW_S, **clients: Any) -> Batch:
        """One delivery; `clients` stand in for the real ones."""
        s3, dynamodb, events = (clients.get(name, getattr(self, name)) for name in ("s3", "dynamodb", "events"))
        table = BatchTable(dynamodb, self.names.shared("batches"))
        validation = Validation(self.names, Buckets(s3, self.names), table, EventBus(events))
        upload = read_upload(envelope)
        assert upload is not None
        return validation.validate(upload, Lease(now_s, now_s + 60))

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]

    def filed(self) -> list[str]:
        """Areas and file endings of what lies in the lake."""
        return sorted(key for key in self.keys(self.lake) if not key.startswith("recipes/"))

    def landing_versions(self) -> list[dict[str, Any]]:
        versions: list[dict[str, Any]] = self.s3.list_object_versions(Bucket=self.landing).get("Versions", [])
        return versions

    def read(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.lake, Key=key)["Body"].read()
        return body

    def row(self, batch_id: str, model: str = "tacos") -> dict[str, Any]:
        key = {"pk": {"S": model}, "sk": {"S": f"batch#{batch_id}"}}
        return from_item(self.dynamodb.get_item(TableName=self.names.shared("batches"), Key=key)["Item"])


def parquet_rows(content: bytes, path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    path.write_bytes(content)
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows
