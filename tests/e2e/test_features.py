"""Features over windows: from the recipe to a better model, online what is offline, through retrains and updates."""

import ast
import io
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import yaml
from nbclient import NotebookClient

from comal import s3_layout
from comal.cli.catalogue import deployed_recipe
from comal.cli.demo.chain import MODEL
from comal.cli.following import wait_for_endpoint
from comal.cli.items import rows_of
from comal.errors import UserError
from comal.run_record import RunRecord
from comal.training_window import ready_batches
from research import Study
from tests.e2e.clone import Clone
from tests.e2e.grants import actions_asked_for, granted_actions

COMPONENTS = "[data, training, registry, serving, continuous_training, batch_serving, feature_store]"
GROUPS = {
    "tempo": {
        "entity": "store",
        "delay": "1h",
        "windows": {
            "store_minutes_6h": {"function": "mean", "column": "minutes_to_serve", "over": "6h"},
            "store_orders_1h": {"function": "count", "over": "1h"},
        },
    }
}


@pytest.fixture(scope="module")
def weeks(clone: Clone) -> list[Path]:
    """Three weeks that ended yesterday, of kitchens with slow and fast days."""
    start = datetime.now(UTC).date() - timedelta(days=22)
    out = clone.root / ".comal/tempo"
    command = [sys.executable, "-m", "examples.tacos", "--tempo", "--start", str(start), "--out", str(out)]
    subprocess.run(command, cwd=clone.root, check=True, capture_output=True)
    return [out / f"week{number}.csv" for number in (1, 2, 3)]


def write_recipe(clone: Clone, **sections: Any) -> None:
    path = clone.root / f"recipes/{MODEL}.yaml"
    recipe = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**recipe, **sections}, sort_keys=False))


def tempo(**changes: Any) -> dict[str, Any]:
    return {"tempo": {**GROUPS["tempo"], **changes}}


def features_of(clone: Clone, batch: dict[str, Any]) -> pd.DataFrame:
    body = clone.client("s3").get_object(Bucket=clone.target.names.bucket("lake"), Key=batch["features_key"])["Body"]
    return pq.read_table(io.BytesIO(body.read())).to_pandas()


def wait_for_batches(clone: Clone, number: int) -> list[dict[str, Any]]:
    """Rows of the batches table, oldest first, once so many have their features."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rows = [row for row in rows_of(clone.target, "batches", MODEL, "batch#") if row.get("features_key")]
        if len(rows) >= number:
            return sorted(rows, key=lambda row: row["received_at"])
        time.sleep(0.1)
    raise AssertionError(clone.cloud_log())


def wait_for_windows(clone: Clone) -> None:
    """Until all validated batches have the windows of the deployed recipe."""
    recipe = deployed_recipe(clone.target, MODEL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rows = [row for row in rows_of(clone.target, "batches", MODEL, "batch#") if row["status"] == "validated"]
        if len(list(ready_batches(rows, recipe))) == len(rows):
            return
        time.sleep(0.1)
    raise AssertionError(clone.cloud_log())


def newest(clone: Clone) -> int:
    return int(max(row["version"] for row in clone.json("models", MODEL)))


def assert_parity(clone: Clone) -> None:
    (row,) = clone.json("features", "parity", MODEL)
    assert (row["entities"], row["equal"], row["different"]) == (3, 3, [])


def champion_of_a_study(clone: Clone) -> dict[str, float]:
    code = f"import json; from research.study import Study; print(json.dumps(Study({MODEL!r}).champion().metrics))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    told = subprocess.run(command, cwd=clone.root, env=clone.environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return dict(json.loads(told.stdout.splitlines()[-1]))


def test_a_stack_without_a_feature_store_refuses_groups(clone, weeks):
    write_recipe(clone, feature_groups=GROUPS)
    clone.stack_value("comal:models", f"[{MODEL}]")
    clone.stack_value("comal:components", "[data, training, registry, serving]")
    told = clone.comal("preview", exit_code=2).stderr
    assert "has feature_groups, and the stack no feature store" in told
    assert "Add feature_store to comal:components" in told


def test_windows_improve_the_model_visibly(clone, weeks):
    gate = {"metric": "rmse", "confidence": 0.95}
    retrain = {"on_new_rows": 1_000_000, "cooldown_hours": 0, "max_per_day": 24}
    training = {"algorithm": "xgboost", "params": {"max_depth": 5, "eta": 0.1, "num_boost_round": 120}, "holdout": 0.3}
    write_recipe(clone, feature_groups={}, gate=gate, retrain=retrain, training=training, monitoring={})
    clone.stack_value("comal:components", COMPONENTS)
    clone.comal("up")
    for week in weeks[:2]:  # a history goes in oldest first
        clone.comal("push", MODEL, str(week))
    without = clone.json("retrain", MODEL, "--reason", "without windows")["version"]

    write_recipe(clone, feature_groups=GROUPS)
    clone.comal("up")
    clone.comal("push", MODEL, str(weeks[2]))
    wait_for_batches(clone, 3)
    champion = champion_of_a_study(clone)
    done = clone.json("retrain", MODEL, "--reason", "with windows")
    run = next(row for row in clone.json("experiments", MODEL) if row["version"] == done["version"])
    assert run["champion"] == champion, "a study asks the champion, which knows no windows, as the run does"
    assert done["approval"] == "Approved"
    compared = clone.json("compare", MODEL, str(without), str(done["version"]))
    assert "store_minutes_6h" in json.dumps(compared)
    rmse = {row["version"]: row["metrics"]["rmse"] for row in clone.json("models", MODEL)}
    assert rmse[done["version"]] < 0.9 * rmse[without]
    assert_parity(clone)


def test_each_row_has_what_was_known_before_it_and_research_gets_the_same(clone, weeks, tmp_path):
    batches = wait_for_batches(clone, 3)
    for batch, week in zip(batches, weeks, strict=True):
        stored = features_of(clone, batch)
        asked = tmp_path / week.name
        orders = pa_csv.read_csv(week)
        pa_csv.write_csv(orders.select(["order_id", "ordered_at", "store"]), asked)
        found = clone.json("features", "get", MODEL, str(asked), "--out", str(tmp_path / "out.parquet"))
        assert found["rows"] == orders.num_rows, "no entity is lost"
        joined = pd.read_parquet(tmp_path / "out.parquet")
        assert list(joined["order_id"]) == list(stored["order_id"])
        for window in GROUPS["tempo"]["windows"]:
            pd.testing.assert_series_equal(joined[window], stored[window])
    week = features_of(clone, batches[0])
    row = week[week["store"] == "norte"].iloc[200]
    known = week[(week["store"] == "norte") & (week["ordered_at"] < row["ordered_at"] - pd.Timedelta(hours=1))]
    last = known["ordered_at"].max()
    window = known[known["ordered_at"] > last - pd.Timedelta(hours=6)]
    assert row["store_minutes_6h"] == pytest.approx(window["minutes_to_serve"].mean())
    assert row["store_orders_1h"] == (known["ordered_at"] > last - pd.Timedelta(hours=1)).sum()


def test_the_endpoint_is_asked_with_what_is_online(clone, weeks):
    wait_for_endpoint(clone.target, MODEL, newest(clone))
    order = next(iter(pa_csv.read_csv(weeks[2]).to_pylist()))
    features = yaml.safe_load((clone.root / f"recipes/{MODEL}.yaml").read_text())["features"]
    bare = {name: order[name] for name in features}
    (looked_up,) = clone.json("invoke", MODEL, "--data", json.dumps(bare))["predictions"]
    (without,) = clone.json("invoke", MODEL, "--data", json.dumps({**bare, "store_minutes_6h": None}))["predictions"]
    assert looked_up["prediction"] != without["prediction"]
    clone.comal("invoke", MODEL, "--file", str(weeks[2]))


def test_it_is_reproduced_from_the_pinned_features(clone):
    assert clone.json("reproduce", MODEL, str(newest(clone)))["identical"]


def test_a_changed_window_is_named(clone):
    version = newest(clone)
    key = s3_layout.run_recipe_prefix(MODEL, clone.json("lineage", MODEL, str(version))["run_id"]) + "recipe.json"
    s3, bucket = clone.client("s3"), clone.target.names.bucket("models")
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    recipe = json.loads(original)
    recipe["feature_groups"]["tempo"]["windows"]["store_minutes_6h"]["over"] = "1h"
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(recipe).encode())
    done = clone.json("reproduce", MODEL, str(version), exit_code=1)
    s3.put_object(Bucket=bucket, Key=key, Body=original)
    assert done["differences"] == ["recipe key feature_groups is another one"]


def test_batches_are_scored_with_their_windows(clone):
    scored = clone.json("score", MODEL)
    assert (scored["status"], scored["files"]) == ("Completed", 3)


def test_parity_holds_through_late_rows_a_retrain_and_an_update(clone, weeks, tmp_path):
    orders = pa_csv.read_csv(weeks[2])
    late = tmp_path / "late.csv"
    pa_csv.write_csv(orders.slice(orders.num_rows - 400, 400), late)  # the newest orders once more
    text = late.read_text().replace(",true,", ",false,")
    late.write_text(text)
    clone.comal("push", MODEL, str(late))
    wait_for_batches(clone, 4)
    assert_parity(clone)
    before = newest(clone)
    clone.comal(
        "retrain", MODEL, "--reason", "again", exit_code=None
    )  # whether it beats the champion is its own affair
    assert newest(clone) == before + 1
    assert_parity(clone)


def test_the_research_notebook_fits_what_production_then_registers(clone, monkeypatch):
    notebook = nbformat.read(clone.root / "examples/research.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs belong to whoever runs it"
    examples = clone.root / "examples"
    monkeypatch.setenv("PYTHONPATH", str(clone.root))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    notebook.cells.append(nbformat.v4.new_code_cell("study.champion().metrics"))  # again, as when a cell is run again
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(examples)}}).execute()
    told = next(cell for cell in notebook.cells if cell.source.startswith("idea = study.fit"))
    metrics = ast.literal_eval(told.outputs[-1]["data"]["text/plain"])
    registered = next(row for row in clone.json("models", MODEL) if row["version"] == newest(clone))
    assert registered["metrics"] == metrics
    (report,) = clone.root.glob(f".comal/research/local/{MODEL}/runs/shallower-trees-*/model/report.html")
    record = RunRecord.model_validate_json((report.parent / "run.json").read_bytes())
    assert (record.metrics, record.plots.importance[0].value > 0) == (metrics, True)
    assert "rmse" in notebook.cells[-1].outputs[-1]["data"]["text/plain"]
    tabled = next(cell for cell in notebook.cells if "study.runs()" in cell.source)
    assert record.run_id in tabled.outputs[-1]["data"]["text/plain"]


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param(tempo(delay="30m", ttl="30d"), id="another delay and ttl"),
        pytest.param(GROUPS, id="as it was", marks=pytest.mark.slow),
    ],
)
def test_changed_windows_are_computed_from_what_is_there_and_trained_on_without_a_push(clone, groups):
    before = newest(clone)
    write_recipe(clone, feature_groups=groups)
    clone.comal("up")
    wait_for_windows(clone)
    assert_parity(clone)
    clone.comal("retrain", MODEL, "--reason", "other windows", exit_code=None)  # the gate judges as it likes
    assert newest(clone) == before + 1


def test_while_windows_are_computed_everybody_says_so_and_where_to_look(clone, monkeypatch):
    s3, key = clone.client("s3"), {"Bucket": clone.target.names.bucket("lake"), "Key": s3_layout.recipe_key(MODEL)}
    deployed = s3.get_object(**key)["Body"].read()
    recipe = json.loads(deployed)
    recipe["feature_groups"]["tempo"]["ttl"] = "60d"
    s3.put_object(**key, Body=json.dumps(recipe).encode())  # an `up` that has come so far
    waiting = "4 validated batches wait for their windows, which are still being computed"
    (row,) = clone.json("status", MODEL)
    assert (row["waiting"], row["next_step"].partition(";")[0]) == (4, waiting)
    assert "still being computed for 4 of them" in clone.comal("status", MODEL).stdout
    refused = clone.comal("retrain", MODEL, "--reason", "too early", exit_code=1).stderr
    assert waiting in " ".join(refused.split())
    monkeypatch.chdir(clone.root)
    with pytest.raises(UserError, match=f"{MODEL} cannot be trained yet: {waiting}. Run: comal status {MODEL}"):
        Study(MODEL).frame()
    s3.put_object(**key, Body=deployed)
    assert clone.json("status", MODEL)[0]["waiting"] == 0


def test_ingestion_may_do_what_it_does_and_nothing_else(clone):
    granted = {action for role, action in granted_actions(clone) if role == "ingest-features"}
    asked = {action for role, action in actions_asked_for(clone) if role == "ingest-features"}
    services = ("logs:", "sqs:", "events:")
    assert {action for action in granted if not action.startswith(services)} <= asked


def test_destroy_leaves_nothing(clone):
    clone.comal("destroy", "--yes")
    assert clone.client("sagemaker").list_feature_groups()["FeatureGroupSummaries"] == []
    assert clone.client("glue").get_databases()["DatabaseList"] == []
    tables = clone.client("dynamodb").list_tables()["TableNames"]
    assert not [table for table in tables if table.startswith("comal-local")]
