"""A stack's buckets, table and events on the local cloud, for tests of monitor_endpoint; and captured calls."""

import base64
import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from comal import s3_layout
from comal.event_bus import EventBus
from comal.names import Names
from comal.profile import Profile
from comal.profiler import profile_of
from comal.recipe import Recipe
from lambdas.monitor_endpoint.buckets import Buckets
from lambdas.monitor_endpoint.logic import Done, Monitoring
from lambdas.monitor_endpoint.messages import read_message
from lambdas.monitor_endpoint.monitoring_table import MonitoringTable
from tests.running_cloud import ACCOUNT, REGION, RunningCloud

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
RECIPE = Recipe.model_validate(
    {
        "model": "tacos",
        "task": "regression",
        "target": "minutes",
        "entity": "order_id",
        "event_time": {"column": "ordered_at", "format": "iso"},
        "features": {
            "distance_km": {"type": "number", "min": 0},
            "staff": {"type": "integer"},
            "delivery": {"type": "boolean"},
            "store": {"type": "category", "values": ["centro", "norte"]},
        },
        "monitoring": {"window_rows": 100, "false_alarm_rate": 0.05, "min_effect": 0.1},
    }
)


def rows(count: int, seed: int = 1, shift: float = 0.0) -> list[dict[str, Any]]:
    """Orders; `shift` moves the distances."""
    draw = random.Random(seed)
    return [
        {
            "distance_km": round(draw.gauss(3 + shift, 1), 3),
            "staff": draw.randint(1, 6),
            "delivery": draw.random() < 0.5,
            "store": draw.choice(["centro", "norte"]),
        }
        for _ in range(count)
    ]


def predicted(row: dict[str, Any]) -> float:
    return round(10 + 2 * row["distance_km"], 3)


def line(
    asked: list[dict[str, Any]],
    *,
    version: int = 1,
    time: datetime = NOW,
    inference_id: str = "",
    base64_sides: bool = False,
) -> bytes:
    """A captured call, as SageMaker writes it."""

    def side(mode: str, document: Any) -> dict[str, str]:
        text = json.dumps(document)
        if base64_sides:
            text = base64.b64encode(text.encode()).decode()
        encoding = "BASE64" if base64_sides else "JSON"
        return {"observedContentType": "application/json", "mode": mode, "data": text, "encoding": encoding}

    answer = {"predictions": [{"prediction": predicted(row)} for row in asked], "model_version": str(version)}
    metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if inference_id:
        metadata["inferenceId"] = inference_id
    record = {
        "captureData": {"endpointInput": side("INPUT", asked), "endpointOutput": side("OUTPUT", answer)},
        "eventMetadata": metadata,
        "eventVersion": "0",
    }
    return json.dumps(record).encode() + b"\n"


def reference_of(asked: list[dict[str, Any]], recipe: Recipe = RECIPE) -> Profile:
    """Profile of rows that a version was trained on."""
    table = pa.Table.from_pylist([{**row, "minutes": predicted(row)} for row in asked])
    return profile_of(table.cast(pa.schema([*table.schema])), recipe)


class World:
    """One stack of its own."""

    def __init__(self, cloud: RunningCloud) -> None:
        self.names = Names(f"t{uuid.uuid4().hex[:10]}", ACCOUNT, REGION)
        self.s3, self.dynamodb = cloud.client("s3"), cloud.client("dynamodb")
        self.sqs, self.bus = cloud.client("sqs"), cloud.client("events")
        self.landing, self.lake, self.capture = (self.names.bucket(kind) for kind in ("landing", "lake", "capture"))
        for bucket in (self.landing, self.lake, self.capture):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.dynamodb.create_table(
            TableName=self.names.shared("monitoring"),
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        self._listen()
        self.baselines: dict[int, float] = {1: 0.5}
        self.recipe = RECIPE
        self.put_recipe(RECIPE)

    def _listen(self) -> None:
        name = self.names.shared("heard")
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        pattern = {"source": ["comal"], "detail": {"stack": [self.names.stack]}}
        self.bus.put_rule(Name=name, EventPattern=json.dumps(pattern))
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        self.bus.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def heard(self) -> list[dict[str, Any]]:
        """Envelopes of the kit's events so far; each is told once."""
        envelopes = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                envelopes.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return envelopes

    def put_recipe(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.s3.put_object(
            Bucket=self.lake, Key=s3_layout.recipe_key(recipe.model), Body=recipe.model_dump_json().encode()
        )

    def put_reference(self, asked: list[dict[str, Any]], version: int = 1) -> None:
        """What register_model keeps of a version."""
        profile = reference_of(asked, self.recipe)
        # Held-out answers: other rows, and so other edges.
        held_out = reference_of(asked[::3], self.recipe)
        predictions = held_out.model_copy(update={"columns": {"minutes": held_out.columns["minutes"]}})
        for noun, one in (("reference", profile), ("predictions", predictions)):
            key = s3_layout.version_profile_key(self.recipe.model, version, noun)
            self.s3.put_object(Bucket=self.lake, Key=key, Body=one.to_json().encode())

    def put_validated(self, asked: list[dict[str, Any]], day: str = "2026-03-04") -> None:
        """What validate_batch keeps of a batch."""
        key = s3_layout.profile_key(self.recipe.model, day, uuid.uuid4().hex[:16])
        self.s3.put_object(Bucket=self.lake, Key=key, Body=reference_of(asked, self.recipe).to_json().encode())

    def captured(self, *lines: bytes, name: str = "", time: datetime = NOW) -> dict[str, Any]:
        """Put a capture file and return the event that S3 sends."""
        key = f"tacos/{self.names.of_model('tacos')}/AllTraffic/2026/03/04/12/{name or uuid.uuid4()}.jsonl"
        return self.put(self.capture, key, b"".join(lines), time)

    def labels(self, content: bytes, name: str = "labels.csv", time: datetime = NOW) -> dict[str, Any]:
        return self.put(self.landing, s3_layout.labels_key("tacos", name), content, time)

    def put(self, bucket: str, key: str, content: bytes, time: datetime) -> dict[str, Any]:
        answer = self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        placed = {"key": key, "size": len(content), "version-id": answer["VersionId"], "sequencer": "0"}
        return {
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": time.isoformat().replace("+00:00", "Z"),
            "detail": {"bucket": {"name": bucket}, "object": placed},
        }

    @property
    def monitoring(self) -> Monitoring:
        table = MonitoringTable(self.dynamodb, self.names.shared("monitoring"))
        return Monitoring(
            self.names,
            table,
            Buckets(self.s3, self.names),
            EventBus(self.bus),
            lambda model, version, metric: self.baselines.get(version),
            lambda model: None,
        )

    def handle(self, envelope: dict[str, Any]) -> Done:
        """One delivery."""
        message = read_message(self.names, envelope)
        assert message is not None
        return self.monitoring.handle(message)

    def metrics(self, after: timedelta = timedelta(0)) -> dict[str, float]:
        return self.monitoring.metrics("tacos", NOW + after)

    def keys(self, prefix: str) -> list[str]:
        answer = self.s3.list_objects_v2(Bucket=self.lake, Prefix=prefix)
        return [item["Key"] for item in answer.get("Contents", [])]

    def read(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.lake, Key=key)["Body"].read()
        return body
