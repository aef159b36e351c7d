"""A version trained again: the same artifact, or the name of what has changed; here and where its cloud moved to."""

import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comal import s3_layout
from comal.cli import training_again
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import wait_for_endpoint
from comal.cli.lineages import lineage_of
from comal.cli.patience import wait_for
from comal.cli.repository import Repository
from comal.cli.training_again import TrainingAgain
from comal.cli.versions import versions_of
from tests.e2e.clone import Clone
from tests.running_cloud import find_free_port

POLL_S = 0.05


@pytest.fixture(scope="module")
def trained(clone: Clone) -> Clone:
    clone.stack_value("comal:models", f"[{MODEL}]")
    clone.stack_value("comal:components", "[data, training, registry, serving]")
    clone.comal("up")
    clone.comal("push", MODEL, str(TacoChain(Repository(clone.root)).week(1)))
    clone.comal("retrain", MODEL, "--reason", "the first")
    wait_for_endpoint(clone.target, MODEL, 1)
    return clone


def record(clone: Clone) -> dict[str, Any]:
    return dict(clone.json("lineage", MODEL, "1"))


def test_the_lineage_names_what_went_in_and_an_input_the_versions_it_went_into(trained):
    found = record(trained)
    (entry,) = found["inputs"]
    head = trained.client("s3").head_object(Bucket=trained.target.names.bucket("lake"), Key=entry["key"])
    assert entry["version_id"] == head["VersionId"]
    assert len(found["artifact_sha256"]) == 64
    assert {"numpy", "python"} <= found["libraries"].keys()
    batch = Path(entry["key"]).stem
    (row,) = trained.json("lineage", MODEL, "--input", batch)
    assert (row["version"], row["input"]) == (1, entry["key"])
    assert (
        "No version of tacos was trained on" in trained.comal("lineage", MODEL, "--input", "none", exit_code=1).stdout
    )


def test_a_version_is_reproduced_byte_for_byte_and_nothing_is_left(trained):
    done = trained.json("reproduce", MODEL, "1")
    assert (done["identical"], done["differences"]) == (True, [])
    assert done["again_sha256"] == record(trained)["artifact_sha256"]
    s3, bucket = trained.client("s3"), trained.target.names.bucket("models")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert not [key for key in keys if "/again/" in key]
    assert [row["version"] for row in trained.json("models", MODEL)] == [1]


def left_again(clone: Clone) -> list[str]:
    pages = clone.client("s3").list_objects_v2(Bucket=clone.target.names.bucket("models"))
    return [item["Key"] for item in pages.get("Contents", []) if "/again/" in item["Key"]]


def jobs_again(sagemaker: Any) -> list[dict[str, Any]]:
    found = sagemaker.list_training_jobs(NameContains="-again-", SortBy="CreationTime")
    return found["TrainingJobSummaries"]


def wait_until(holds: Callable[[], bool]) -> None:
    wait_for(lambda: holds() or None, what="the job", timeout_s=60, next_step="")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_attempt_that_is_broken_off_costs_and_leaves_nothing(trained, number, monkeypatch):
    sagemaker = trained.client("sagemaker")
    before = len(jobs_again(sagemaker))
    command = [Path(sys.executable).parent / "comal", "reproduce", MODEL, "1"]
    process = subprocess.Popen(command, cwd=trained.root, env=trained.environment, stderr=subprocess.PIPE, text=True)
    while len(jobs_again(sagemaker)) == before:  # the job takes two seconds: `wait_until` may look too late
        assert process.poll() is None
        time.sleep(POLL_S)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "is stopped" in told
    else:
        ended = {"Completed", "Stopped"}
        wait_until(lambda: {job["TrainingJobStatus"] for job in jobs_again(sagemaker)} <= ended)
        assert left_again(trained)
        monkeypatch.setattr(training_again, "_ABANDONED_AFTER_S", 0.0)
        attempt(trained).train()
    assert left_again(trained) == []


def attempt(clone: Clone) -> TrainingAgain:
    (row,) = versions_of(clone.target, MODEL)
    return TrainingAgain(clone.target, MODEL, row, lineage_of(clone.target, MODEL, row))


def test_an_attempt_that_begins_when_another_ones_job_has_just_ended_leaves_it_its_artifact(trained, monkeypatch):
    one, other = attempt(trained), attempt(trained)
    wait = one._wait

    def wait_and_let_the_other_begin(name: str) -> dict[str, Any]:
        job = wait(name)
        other._clear_left_over()
        return job

    monkeypatch.setattr(one, "_wait", wait_and_let_the_other_begin)
    assert one.train().artifact_sha256 == record(trained)["artifact_sha256"]
    assert left_again(trained) == []


def test_a_changed_row_is_named_with_its_file(trained):
    s3, lake = trained.client("s3"), trained.target.names.bucket("lake")
    (entry,) = record(trained)["inputs"]
    original = s3.get_object(Bucket=lake, Key=entry["key"])["Body"].read()
    table = pq.read_table(io.BytesIO(original))
    staff = table["staff"].to_pylist()
    staff[17] += 1
    changed = table.set_column(table.schema.get_field_index("staff"), "staff", pa.array(staff, table["staff"].type))
    sink = io.BytesIO()
    pq.write_table(changed, sink)
    s3.put_object(Bucket=lake, Key=entry["key"], Body=sink.getvalue())
    done = trained.json("reproduce", MODEL, "1", exit_code=1)
    s3.put_object(Bucket=lake, Key=entry["key"], Body=original)
    assert done["differences"] == [f"input {entry['key']} holds other rows than then"]


def test_a_changed_parameter_is_named_with_both_values(trained):
    key = s3_layout.run_recipe_prefix(MODEL, record(trained)["run_id"]) + "recipe.json"
    s3, bucket = trained.client("s3"), trained.target.names.bucket("models")
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    recipe = json.loads(original)
    recipe["training"]["params"]["max_depth"] = 6
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(recipe).encode())
    done = trained.json("reproduce", MODEL, "1", exit_code=1)
    s3.put_object(Bucket=bucket, Key=key, Body=original)
    assert done["differences"] == ["recipe key training.params.max_depth was 5, and is 6"]


def test_an_artifact_that_is_not_the_runs_is_named(trained):
    (row,) = trained.json("models", MODEL)
    package = trained.client("sagemaker").describe_model_package(ModelPackageName=row["model_package_arn"])
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, key = s3_layout.split_uri(container["ModelDataUrl"])
    s3 = trained.client("s3")
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=with_another_model(original))
    done = trained.json("reproduce", MODEL, "1", exit_code=1)
    s3.put_object(Bucket=bucket, Key=key, Body=original)
    assert done["again_sha256"] is None
    assert done["differences"] == [f"the registered artifact s3://{bucket}/{key} is not what the run made"]


def with_another_model(archive: bytes) -> bytes:
    """One bit of its model.ubj turned, and everything else as it was."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as read, tarfile.open(fileobj=sink, mode="w:gz") as written:
        for member in read:
            file = read.extractfile(member)
            content = bytearray(file.read() if file else b"")
            if member.name == "model.ubj":
                content[-10] ^= 1
            written.addfile(member, io.BytesIO(content) if file else None)
    return sink.getvalue()


def test_a_deleted_manifest_is_named_and_nothing_is_trained(trained):
    key = s3_layout.run_manifest_key(MODEL, record(trained)["run_id"])
    s3, bucket = trained.client("s3"), trained.target.names.bucket("models")
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    done = trained.json("reproduce", MODEL, "1", exit_code=1)
    s3.put_object(Bucket=bucket, Key=key, Body=original)
    assert (done["again_sha256"], len(done["differences"])) == (None, 1)
    assert "manifest" in done["differences"][0]


def test_damaged_records_are_named(trained):
    run_id = record(trained)["run_id"]
    s3, bucket = trained.client("s3"), trained.target.names.bucket("models")
    for key, content, told in (
        (s3_layout.run_recipe_prefix(MODEL, run_id) + "recipe.json", b"{", "the run's recipe is damaged"),
        (s3_layout.run_manifest_key(MODEL, run_id), b"{", "the run's manifest lists other inputs than then"),
        (s3_layout.run_manifest_key(MODEL, run_id), b"5", "the run's manifest lists other inputs than then"),
        (s3_layout.run_lineage_key(MODEL, run_id), b"{", "is no lineage any more"),
    ):
        original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        done = trained.comal("reproduce", MODEL, "1", exit_code=1)
        s3.put_object(Bucket=bucket, Key=key, Body=original)
        assert told in (done.stdout + done.stderr).replace("\n", " ")


def test_another_library_is_named_also_where_it_makes_no_difference(trained):
    key = s3_layout.run_lineage_key(MODEL, record(trained)["run_id"])
    s3, bucket = trained.client("s3"), trained.target.names.bucket("models")
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    lineage = json.loads(original)
    now = lineage["libraries"]["numpy"]
    lineage["libraries"]["numpy"] = "1.0.0"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(lineage).encode())
    done = trained.json("reproduce", MODEL, "1")
    s3.put_object(Bucket=bucket, Key=key, Body=original)
    assert (done["identical"], done["differences"]) == (True, [f"library numpy was 1.0.0, and is {now}"])


def test_it_is_reproduced_where_the_local_cloud_was_moved_to(trained, tmp_path):
    trained.comal("cloud", "stop")
    moved = tmp_path / "elsewhere"
    shutil.copytree(trained.root, moved, symlinks=True)
    elsewhere = Clone(moved, find_free_port())
    elsewhere.comal("cloud", "start", "--port", str(elsewhere.port))
    assert elsewhere.json("reproduce", MODEL, "1")["identical"]
    elsewhere.comal("cloud", "stop")
    trained.comal("cloud", "start", "--port", str(trained.port))


def test_a_deleted_object_is_named(trained):
    (entry,) = record(trained)["inputs"]
    trained.client("s3").delete_object(Bucket=trained.target.names.bucket("lake"), Key=entry["key"])
    done = trained.comal("reproduce", MODEL, "1", exit_code=1)
    assert f"not reproduced: input {entry['key']} is gone" in done.stdout
