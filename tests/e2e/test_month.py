"""A month of a model on the stepped clock: schedules, weekly data, nightly batches, labels that come a week late."""

import csv
import json
import time
from pathlib import Path

import pytest

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import decisions_of, wait_for_endpoint
from comal.cli.repository import Repository
from tests.e2e.clock import DAY_S, advance
from tests.e2e.clone import Clone

LABELLED = 40


@pytest.mark.slow
def test_a_month_of_schedules_and_late_labels_passes_in_minutes(clone: Clone) -> None:
    # A chain that looks at its model once an hour.
    clone.stack_value("comal:alarmPeriodSeconds", "3600")
    clone.stack_value("comal:models", "[tacos]")
    clone.comal("up")
    chain = TacoChain(Repository(clone.root))
    clone.comal("push", MODEL, str(chain.week(1)))
    wait_for_endpoint(clone.target, MODEL, 1)
    begin, stops = time.monotonic(), 0
    for week in range(1, 5):
        labels = ask_and_note_outcomes(clone, chain, week)
        if week in (2, 3):
            clone.comal("push", MODEL, str(chain.week(week)))
        stops += advance(clone, 7 * DAY_S)["stops"]
        clone.comal("push", MODEL, str(labels), "--labels")
    advance(clone, 2 * DAY_S)
    print(f"30 days took {time.monotonic() - begin:.0f} s, with {stops} stops of the clock")

    decisions = decisions_of(clone.target, MODEL)
    kinds = [trigger["kind"] for row in decisions if row["decision"] == "run" for trigger in row["triggers"]]
    assert kinds.count("schedule") == 4, "rate(7 days), thirty days"
    assert kinds.count("new_rows") == 3, "the first week, and two more"
    scored = clone.client("sagemaker").list_transform_jobs(StatusEquals="Completed")["TransformJobSummaries"]
    assert len(scored) == 3, "each week was scored in the night after it came, and no other night had anything"
    (standing,) = clone.json("status", MODEL)
    assert standing["monitoring"]["quality"], "late labels were joined to their predictions"


def ask_and_note_outcomes(clone: Clone, chain: TacoChain, week: int) -> Path:
    """Asks about some orders, and writes what became of them."""
    orders = chain.orders(chain.week(1))[:LABELLED]
    path = clone.root / f"labels{week}.csv"
    runtime = clone.client("sagemaker-runtime")
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["inference_id", "label", "observed_at"])
        for number, order in enumerate(orders):
            name = f"week{week}-{number}"
            answer = runtime.invoke_endpoint(
                EndpointName=f"local-{MODEL}",
                ContentType="application/json",
                Body=json.dumps(order),
                InferenceId=name,
            )
            predicted = json.loads(answer["Body"].read())["predictions"][0]["prediction"]
            rows.writerow([name, predicted + 0.5, f"2026-01-{7 * week:02d}T12:00:00+00:00"])
    return path
