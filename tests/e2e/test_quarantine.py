"""Bad files among good ones: each ends in quarantine with a report that says why, and the good ones flow."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from comal import s3_layout
from comal.cli.batches import PROCESSING, batches_of
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.patience import wait_for
from comal.cli.repository import Repository
from tests.e2e.clone import Clone

TIMEOUT_S = 60


@dataclass(frozen=True)
class Blame:
    """What the report on a file says: the column, and words of `found` (or the example) and of `expected`."""

    column: str | None
    found: str
    expected: str


BLAMES = {
    "missing_column": Blame("distance_km", "columns order_id, ordered_at", "a column 'distance_km'"),
    "wrong_type": Blame("basket_size", "'three'", "whole numbers"),
    "unknown_store": Blame("store", "'poniente'", "one of 'centro', 'norte', 'sur'"),
    "many_nulls": Blame("distance_km", "% missing", "at most 2.0%"),
    "empty": Blame(None, "an empty file", "a header and rows"),
    "not_csv": Blame(None, "a binary file", "a CSV file"),
}


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    clone.comal("up")
    return TacoChain(Repository(clone.root))


@pytest.fixture(scope="module")
def pushed(clone: Clone, chain: TacoChain) -> dict[str, dict[str, Any]]:
    """Six poisoned files between two good ones, in one push that ends with exit code 1: its --json by file."""
    files = [chain.week(1), *(chain.folder / "poisoned" / f"{kind}.csv" for kind in BLAMES), chain.week(2)]
    batches = clone.json("push", MODEL, *map(str, files), exit_code=1)
    return {file.stem: batch for file, batch in zip(files, batches, strict=True)}


@pytest.fixture(scope="module")
def put(clone: Clone, pushed: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Other orders, poisoned the same ways, put by plain boto3: their batches by file."""
    folder = clone.root / ".comal/other-orders"
    simulator = [sys.executable, "-m", "examples.tacos", "--seed", "8", "--days", "7", "--out", str(folder)]
    subprocess.run(simulator, cwd=clone.root, env=clone.environment, stdout=subprocess.DEVNULL, check=True)
    files = [folder / "week1.csv", *(folder / "poisoned" / f"{kind}.csv" for kind in BLAMES)]
    for file in files:
        clone.client("s3").put_object(
            Bucket=bucket(clone, "landing"), Key=f"incoming/{MODEL}/boto3/{file.name}", Body=file.read_bytes()
        )

    def all_judged() -> dict[str, dict[str, Any]] | None:
        mine = {
            Path(batch["source_key"]).stem: batch
            for batch in batches_of(clone.target, MODEL)
            if "/boto3/" in batch["source_key"] and batch["status"] != PROCESSING
        }
        return mine if len(mine) == len(files) else None

    return wait_for(all_judged, what="the batches", timeout_s=TIMEOUT_S, next_step=clone.cloud_log())


def bucket(clone: Clone, kind: str) -> str:
    name: str = clone.target.names.bucket(kind)
    return name


def read(clone: Clone, uri: str) -> bytes:
    name, key = s3_layout.split_uri(uri)
    content: bytes = clone.client("s3").get_object(Bucket=name, Key=key)["Body"].read()
    return content


def check_blame(clone: Clone, batch: dict[str, Any], blame: Blame) -> None:
    assert batch["status"] == "quarantined"
    report = json.loads(read(clone, batch["report"].replace(".html", ".json")))
    (finding,) = report["findings"]
    assert (finding["severity"], finding["column"]) == ("error", blame.column)
    assert blame.found in f"{finding['found']} {finding['example']}"
    assert blame.expected in finding["expected"]
    assert batch["problems"] == [finding["sentence"]]
    page = read(clone, batch["report"]).decode()
    assert "<html" in page
    assert (blame.column or blame.found) in page


@pytest.mark.parametrize("kind", BLAMES)
def test_a_pushed_file_is_quarantined_and_its_report_names_column_found_and_expected(clone, pushed, kind):
    check_blame(clone, pushed[kind], BLAMES[kind])
    assert Path(pushed[kind]["report_path"]).is_file()


@pytest.mark.parametrize("kind", BLAMES)
def test_quarantine_keeps_a_file_byte_for_byte(clone, chain, pushed, kind):
    assert read(clone, pushed[kind]["quarantine"]) == (chain.folder / "poisoned" / f"{kind}.csv").read_bytes()


@pytest.mark.parametrize("week", [1, 2])
def test_the_good_files_around_them_are_validated_whole(clone, chain, pushed, week):
    batch = pushed[f"week{week}"]
    assert (batch["status"], batch["problems"]) == ("validated", [])
    rows = pq.read_table(io.BytesIO(read(clone, batch["validated"])))
    assert rows.num_rows == batch["rows"] == csv.read_csv(chain.week(week)).num_rows


# An empty file is content that has been judged before, whoever sends it.
@pytest.mark.parametrize("kind", [kind for kind in BLAMES if kind != "empty"])
def test_a_file_put_by_plain_boto3_is_quarantined_the_same_way(clone, put, kind):
    check_blame(clone, put[kind], BLAMES[kind])


def test_content_known_to_be_bad_is_a_duplicate_of_it(pushed, put):
    assert (put["empty"]["status"], put["empty"]["duplicate_of"]) == ("duplicate", pushed["empty"]["batch_id"])


def test_a_good_file_put_by_plain_boto3_is_validated(put):
    assert (put["week1"]["status"], put["week1"]["push_id"]) == ("validated", None)


def test_nothing_remains_in_incoming(clone, put):
    def is_empty() -> bool | None:
        listed = clone.client("s3").list_object_versions(Bucket=bucket(clone, "landing"), Prefix="incoming/")
        return None if listed.get("Versions") or listed.get("DeleteMarkers") else True

    assert wait_for(is_empty, what="an empty incoming/", timeout_s=TIMEOUT_S, next_step=clone.cloud_log())


def test_status_tells_of_the_last_file_in_quarantine(clone, put):
    told = clone.comal("status", MODEL).stdout
    assert "quarantined" in told
    assert "expected" in told


def test_a_model_is_trained_on_the_good_files_and_served(clone, put):
    outcome = clone.json("retrain", MODEL, "--reason", "the good files")
    manifest = s3_layout.run_manifest_key(MODEL, outcome["run_id"])
    _, *keys = json.loads(read(clone, f"s3://{bucket(clone, 'models')}/{manifest}"))
    good = [batch["validated"] for batch in batches_of(clone.target, MODEL) if batch["status"] == "validated"]
    assert len(good) == 3
    assert keys, "the newest good file holds enough rows for training.newest_rows"
    assert set(keys) <= {s3_layout.split_uri(uri)[1] for uri in good}
    assert outcome["endpoint"]["version"] == outcome["version"]
