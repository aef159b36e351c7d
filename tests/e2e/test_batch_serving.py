"""Batch scoring on a real local cloud: each input row once, in order, whatever is killed on the way."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from comal import s3_layout
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.repository import Repository
from comal.cli.score import follow_scoring, request_scoring
from comal.errors import PlatformError
from tests.e2e.clone import Clone
from tests.e2e.grants import unused_grants
from tests.e2e.inventory import inventory

WEEKS = (1, 2, 3)
KILLS = 4
JOB_TIMEOUT_S = 120


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    return TacoChain(Repository(clone.root))


def lake(clone: Clone) -> str:
    return str(clone.target.names.bucket("lake"))


def keys(clone: Clone, prefix: str) -> list[str]:
    pages = clone.client("s3").get_paginator("list_objects_v2").paginate(Bucket=lake(clone), Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def parquet(clone: Clone, key: str) -> Any:
    body = clone.client("s3").get_object(Bucket=lake(clone), Key=key)["Body"].read()
    return pq.read_table(io.BytesIO(body))


def check_each_row_once_in_order(clone: Clone) -> int:
    """Every batch has its file, every file the batch's orders in their order; returns the number of rows."""
    predicted = {Path(key).stem: key for key in keys(clone, f"predictions/{MODEL}/")}
    batches = {Path(key).stem: key for key in keys(clone, s3_layout.validated_prefix(MODEL))}
    assert predicted.keys() == batches.keys()
    rows = 0
    for batch, key in batches.items():
        source, found = parquet(clone, key), parquet(clone, predicted[batch])
        assert found.column("row_number").to_pylist() == list(range(source.num_rows))
        assert found.column("order_id").to_pylist() == source.column("order_id").to_pylist()
        rows += found.num_rows
    return rows


def test_without_a_model_there_is_nothing_to_score_with(clone: Clone) -> None:
    clone.stack_value("comal:components", "[data, training, registry, batch_serving]")
    clone.comal("up")
    done = clone.comal("score", MODEL, exit_code=2)
    assert "There is no validated batch" in done.stderr


def test_validated_batches_are_scored_row_by_row(clone: Clone, chain: TacoChain) -> None:
    clone.comal("push", MODEL, *(str(chain.week(week)) for week in WEEKS))
    clone.comal("retrain", MODEL, "--reason", "first run", "--no-follow")
    wait_for_version(clone)
    scored = clone.json("score", MODEL)
    assert scored["status"] == "Completed"
    assert check_each_row_once_in_order(clone) == 4929 + 4977 + 5116
    assert keys(clone, "scoring/") == [], "nothing is left out of sight"


def test_one_call_of_awswrangler_reads_them(clone: Clone) -> None:
    call = 'import awswrangler as wr; t = wr.s3.read_parquet_table(table="tacos_predictions", database="comal_local")'
    code = f"{call}; print(len(t), sorted(t.columns), t.prediction.between(0, 100).all())"
    environment = {
        **clone.environment,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{clone.port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-W", "ignore", "-c", code]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    columns = ["dt", "model_version", "order_id", "ordered_at", "prediction", "row_number", "scored_at"]
    assert told.strip() == f"15022 {columns} True"


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("dt=1999-01-01", "There is no validated batch below"),
        ("s3://elsewhere/validated/tacos/v1/", "is not in the lake"),
        ("s3://{lake}/recipes/", "does not lie below validated/tacos/v1/"),
    ],
)
def test_a_prefix_that_is_none_is_refused(clone: Clone, prefix: str, said: str) -> None:
    assert said in clone.comal("score", MODEL, prefix.format(lake=lake(clone)), exit_code=2).stderr


def test_killed_containers_and_their_supervisors_change_nothing(clone: Clone) -> None:
    """A container that dies is asked again when it is back; a job that never came up is asked for again."""
    stop, killed = threading.Event(), []
    thread = threading.Thread(target=kill_at_random, args=(clone, stop, killed))
    thread.start()
    try:
        while len(killed) < KILLS:
            score_until_done(clone)
            check_each_row_once_in_order(clone)
    finally:
        stop.set()
        thread.join()


def test_every_action_that_its_roles_are_granted_is_one_that_they_use(clone: Clone) -> None:
    unused = {grant for grant in unused_grants(clone) if grant[0] in ("score-batch", "batch-transform")}
    assert unused == {("score-batch", "sagemaker:AddTags")}, "AWS asks for it where something is made with tags"


def test_a_killed_local_cloud_scores_on_when_it_is_back(clone: Clone) -> None:
    asked = clone.json("score", MODEL, "--no-follow")
    sagemaker = clone.client("sagemaker")
    deadline = time.monotonic() + JOB_TIMEOUT_S
    while not sagemaker.list_transform_jobs(StatusEquals="InProgress")["TransformJobSummaries"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(clone.json("cloud", "status")["pid"], signal.SIGKILL)
    clone.comal("cloud", "start", "--port", str(clone.port))
    while clone.client("sagemaker").describe_transform_job(TransformJobName=asked["transform_job"])[
        "TransformJobStatus"
    ] != "Completed" or keys(clone, "scoring/"):
        assert time.monotonic() < deadline, clone.cloud_log()
        time.sleep(0.2)
    check_each_row_once_in_order(clone)


def test_destroy_leaves_nothing(clone: Clone) -> None:
    clone.comal("destroy", "--yes")
    assert inventory(clone.client) == {}


def wait_for_version(clone: Clone) -> None:
    deadline = time.monotonic() + JOB_TIMEOUT_S
    while not any(row["approval"] == "Approved" for row in clone.json("models", MODEL)):
        assert time.monotonic() < deadline, clone.cloud_log()
        time.sleep(0.5)


def score_until_done(clone: Clone) -> dict[str, Any]:
    """As a person would: a failed job published nothing, and is asked for again."""
    before = keys(clone, "predictions/")
    while True:
        asked = request_scoring(clone.target, MODEL, s3_layout.validated_prefix(MODEL))
        try:
            return follow_scoring(clone.target, MODEL, asked)
        except PlatformError as error:
            said = error.message
        assert "SIGKILL" in said or "ended during" in said or "supervisor" in said
        assert keys(clone, "predictions/") == before, "nothing of a failed job is published"


def kill_at_random(clone: Clone, stop: threading.Event, killed: list[str]) -> None:
    """kill -9 of the container or of its supervisor of whatever transform job runs, at random moments."""
    chance = random.Random(7)
    folder = clone.root / ".comal/local/sagemaker/transform-jobs"
    while not stop.wait(chance.uniform(0.01, 0.2)) and len(killed) < KILLS:
        for record in list(folder.glob("*/fleet/*/process.json")):
            whom = ("child", "supervisor")[len(killed) % 2]
            try:
                os.kill(json.loads(record.read_text())[whom], signal.SIGKILL)
            except (ProcessLookupError, FileNotFoundError):
                continue
            killed.append(whom)
