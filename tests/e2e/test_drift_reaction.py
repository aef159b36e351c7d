"""From drifted traffic to the start of training by AWS's own periods, on the real clock."""

import itertools
import json
import time

import pytest

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import decisions_of, wait_for_endpoint
from comal.cli.repository import Repository
from tests.e2e.clone import Clone

GOAL_S = 240
ROWS_PER_REQUEST = 25


@pytest.mark.slow
def test_two_of_three_minutes_of_drift_start_a_run_within_four_minutes(clone: Clone) -> None:
    clone.stack_value("comal:alarmPeriodSeconds", "60")
    clone.comal("up")
    chain = TacoChain(Repository(clone.root))
    clone.comal("push", MODEL, str(chain.week(2)))
    wait_for_endpoint(clone.target, MODEL, 1)
    clone.comal("push", MODEL, str(chain.week_but_sunday(3)))
    orders = itertools.cycle(chain.orders(chain.week_but_sunday(3)))
    runtime = clone.client("sagemaker-runtime")
    begin = time.monotonic()
    while True:
        body = json.dumps(list(itertools.islice(orders, ROWS_PER_REQUEST)))
        runtime.invoke_endpoint(EndpointName=f"local-{MODEL}", ContentType="application/json", Body=body)
        runs = [row for row in decisions_of(clone.target, MODEL) if row["decision"] == "run"]
        if len(runs) > 1:
            break
        assert time.monotonic() - begin < GOAL_S, clone.comal("status", MODEL).stdout
        time.sleep(0.5)
    assert f"local-{MODEL}-drift" in runs[0]["why"]
