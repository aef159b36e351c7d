"""Live traffic on a real local cloud: captured, counted, scored and reported; drift is seen and the normal is not."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import wait_for_endpoint
from comal.cli.repository import Repository
from tests.e2e.clone import Clone
from tests.e2e.grants import unused_grants
from tests.e2e.inventory import inventory

WINDOW_ROWS = 200
WAIT_S = 120
COMPONENTS = "[data, training, registry, serving, continuous_training, monitoring]"


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    return TacoChain(Repository(clone.root))


def test_a_monitored_stack_comes_up_with_a_served_model(clone, chain):
    recipe = clone.root / f"recipes/{MODEL}.yaml"
    values = yaml.safe_load(recipe.read_text())
    values["monitoring"] = {"window_rows": WINDOW_ROWS}
    values["retrain"] = {"on_new_rows": 1_000_000, "on_alarm": []}
    recipe.write_text(yaml.safe_dump(values, sort_keys=False))
    clone.stack_value("comal:components", COMPONENTS)
    clone.stack_value("comal:models", f"[{MODEL}]")
    assert clone.json("up", "--yes")["failures"] == []
    clone.comal("push", MODEL, str(chain.week(1)))
    wait_for_endpoint(clone.target, MODEL, 1)
    assert monitoring(clone)["window"] is None


def test_normal_traffic_is_captured_and_scores_below_the_threshold(clone, chain):
    ask(clone, chain.orders(chain.week(1))[:WINDOW_ROWS])
    window = until(clone, lambda found: found["window"])
    assert (window["version"], window["rows"], window["look"]) == (1, WINDOW_ROWS, 1)
    assert window["drift_score"] < 1


def test_drifted_traffic_scores_above_the_threshold_and_the_report_says_where(clone, chain):
    orders = chain.orders(chain.week(1))[:WINDOW_ROWS]
    ask(clone, [{**order, "distance_km": (order["distance_km"] or 0) + 4, "weather": "storm"} for order in orders])
    window = until(clone, lambda found: found["window"] if found["window"]["look"] == 2 else None)
    assert window["drift_score"] >= 1
    page = Path(clone.root, window["report_path"]).read_text()
    assert "a threshold is reached" in page
    assert page.count("<svg") >= 8
    assert "distance_km" in page
    assert "drift" in clone.comal("status", MODEL).stdout


def test_the_drift_alarm_goes_off_while_traffic_drifts_and_is_over_when_it_is_normal_again(clone, chain):
    orders = chain.orders(chain.week(1))[:WINDOW_ROWS]
    drifted = [{**order, "distance_km": (order["distance_km"] or 0) + 4} for order in orders]
    until(clone, lambda found: state_of(found, "drift") == "ALARM", meanwhile=lambda: ask(clone, drifted))
    until(clone, lambda found: state_of(found, "drift") == "OK", meanwhile=lambda: ask(clone, orders))
    assert state_of(monitoring(clone), "no-data") == "OK"


def test_late_labels_give_the_live_quality(clone, chain, tmp_path):
    s3, bucket = clone.client("s3"), clone.target.names.bucket("lake")
    ids = captured_ids(s3, bucket)
    labels = tmp_path / "labels.csv"
    rows = [f"{name},25.0,2026-03-04T12:00:00Z" for name in ids]
    labels.write_text("\n".join(["inference_id,label,observed_at", *rows]) + "\n")
    (taken,) = clone.json("push", MODEL, str(labels), "--labels")
    assert (taken["status"], taken["rows"]) == ("accepted", len(ids))
    assert monitoring(clone)["quality"]["quality_score"] > 0


def test_bad_labels_are_refused_with_the_reason(clone, tmp_path):
    labels = tmp_path / "bad.csv"
    labels.write_text("inference_id,label,observed_at\na,plenty,2026-03-04T12:00:00Z\n")
    done = clone.comal("push", MODEL, str(labels), "--labels", exit_code=1)
    assert "column 'label'" in done.stderr


def test_every_action_that_monitor_endpoint_is_granted_is_one_that_it_uses(clone):
    assert {action for role, action in unused_grants(clone) if role == "monitor-endpoint"} == set()


def test_destroy_leaves_nothing_of_the_monitoring(clone):
    clone.comal("destroy", "--yes")
    assert inventory(clone.client) == {}


def ask(clone: Clone, orders: list[dict[str, Any]]) -> None:
    """Calls of fifty rows each."""
    runtime = clone.client("sagemaker-runtime")
    for first in range(0, len(orders), 50):
        runtime.invoke_endpoint(
            EndpointName=f"local-{MODEL}",
            ContentType="application/json",
            Body=json.dumps(orders[first : first + 50]),
        )


def captured_ids(s3: Any, bucket: str) -> list[str]:
    import io

    import pyarrow.parquet as pq

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="captured/")["Contents"]]
    tables = [pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys]
    return [name for table in tables for name in table.column("inference_id").to_pylist()]


def monitoring(clone: Clone) -> dict[str, Any]:
    (row,) = clone.json("status", MODEL)
    found: dict[str, Any] = row["monitoring"]
    return found


def state_of(found: dict[str, Any], noun: str) -> str:
    """State of one of the model's alarms."""
    return next(alarm["state"] for alarm in found["alarms"] if alarm["name"] == f"local-{MODEL}-{noun}")


def until(clone: Clone, look: Callable[[dict[str, Any]], Any], meanwhile: Callable[[], None] = lambda: None) -> Any:
    """What monitoring says, as soon as it says it."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = look(monitoring(clone))
        if found:
            return found
        meanwhile()
        time.sleep(0.5)
    raise AssertionError(f"Waited {WAIT_S} s in vain; {monitoring(clone)}\n{clone.cloud_log()}")
