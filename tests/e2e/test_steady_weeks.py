"""Fifty weeks of traffic without drift, from InvokeEndpoint to the alarm, on the stepped clock."""

import json
import time

import pyarrow as pa
import pyarrow.csv
import pytest
import yaml

from comal.cli.demo.chain import MODEL
from comal.cli.following import wait_for_endpoint
from comal.cli.items import rows_of
from comal.recipe_file import load
from examples.tacos.steady import steady_orders, steady_week
from tests.e2e.clock import DAY_S, HOUR_S, advance
from tests.e2e.clone import Clone

WEEKS = 50
SEED = 11
ROWS_PER_REQUEST = 250
# Of 50 weeks that alarm with probability 0.05 each, more than 6 do with a probability of 1.2 %.
# https://en.wikipedia.org/wiki/Binomial_distribution
MOST = 6
TIMERS = ("comal-local-request-training-timer", "comal-local-monitor-endpoint-timer")


@pytest.mark.slow
def test_fifty_weeks_without_drift_alarm_as_rarely_as_the_recipe_says(clone: Clone) -> None:
    orders = steady_orders(WEEKS + 6, SEED)
    serve(clone, steady_week(orders, WEEKS))
    traffic = orders.select(list(load(clone.root / f"recipes/{MODEL}.yaml").features))
    begin = time.monotonic()
    for number in range(WEEKS):
        ask(clone, steady_week(traffic, number))
        advance(clone, 60)  # what was captured is on its way within ten seconds
        rest_of_the_week(clone)
    windows = rows_of(clone.target, "monitoring", MODEL, "window#")
    alarming = {row["week"] for row in windows if json.loads(row["scores"])["drift_score"] >= 1}
    history = clone.client("cloudwatch").describe_alarm_history(
        AlarmName=f"local-{MODEL}-drift", HistoryItemType="StateUpdate"
    )
    told = sum("to ALARM" in item["HistorySummary"] for item in history["AlarmHistoryItems"])
    took_s = time.monotonic() - begin
    print(f"{len(alarming)} of {WEEKS} weeks, {told} alarms, {len(windows)} windows, {took_s:.0f} s")
    assert len(windows) == WEEKS * 5
    assert len({row["week"] for row in windows}) == WEEKS
    assert len(alarming) <= MOST
    assert told <= len(alarming)


def serve(clone: Clone, orders: pa.Table) -> None:
    """A model of these orders, watched without `min_effect`."""
    path = clone.root / f"recipes/{MODEL}.yaml"
    values = yaml.safe_load(path.read_text())
    values["monitoring"] |= {"min_effect": 0, "window_rows": 1000}
    values["retrain"] |= {"on_new_rows": 1_000_000, "on_alarm": []}
    del values["retrain"]["schedule"], values["batch"]["schedule"]
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    clone.stack_value("comal:alarmPeriodSeconds", "3600")
    clone.stack_value("comal:models", f"[{MODEL}]")
    clone.comal("up")
    file = clone.root / "orders.csv"
    pyarrow.csv.write_csv(orders, file)
    clone.comal("push", MODEL, str(file))
    wait_for_endpoint(clone.target, MODEL, 1)


def ask(clone: Clone, orders: pa.Table) -> None:
    runtime = clone.client("sagemaker-runtime")
    for first in range(0, orders.num_rows, ROWS_PER_REQUEST):
        body = json.dumps(orders.slice(first, ROWS_PER_REQUEST).to_pylist())
        runtime.invoke_endpoint(EndpointName=f"local-{MODEL}", ContentType="application/json", Body=body)


def rest_of_the_week(clone: Clone) -> None:
    """A few hours with the timers that emit scores, the rest without: there is nothing to see."""
    events = clone.client("events")
    for timer in TIMERS:
        events.enable_rule(Name=timer)
    advance(clone, 4 * HOUR_S)
    for timer in TIMERS:
        events.disable_rule(Name=timer)
    advance(clone, 7 * DAY_S - 4 * HOUR_S - 60)
