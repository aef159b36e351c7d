"""Reasons to train over the real local cloud: together, doubled, shuffled, and from an alarm that flaps."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import decisions_of, wait_for_endpoint, wait_for_run
from comal.cli.patience import wait_for
from comal.cli.repository import Repository
from tests.e2e.clone import Clone

SALES_ALARM = "falling-sales"
QUEUE = "comal-local-request-training"
SEED = 3
COPIES = 3
FLAPS = 100


def up(clone: Clone) -> None:
    """One model that also trains when the shop's own alarm goes off."""
    clone.stack_value("comal:models", f"[{MODEL}]")
    recipe = clone.root / f"recipes/{MODEL}.yaml"
    recipe.write_text(recipe.read_text().replace("on_alarm: [drift, quality]", f"on_alarm: [{SALES_ALARM}]"))
    clone.comal("up")
    clone.client("cloudwatch").put_metric_alarm(
        AlarmName=SALES_ALARM,
        Namespace="Shop",
        MetricName="Sales",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=100,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="ignore",
    )


def set_alarm(clone: Clone, state: str) -> None:
    clone.client("cloudwatch").set_alarm_state(AlarmName=SALES_ALARM, StateValue=state, StateReason="sales of today")


def runs(clone: Clone) -> list[dict[str, Any]]:
    return [row for row in decisions_of(clone.target, MODEL) if row["decision"] == "run"]


def test_four_triggers_at_once_doubled_and_shuffled_are_one_run(clone: Clone) -> None:
    up(clone)
    chain = TacoChain(Repository(clone.root))
    clone.comal("push", MODEL, str(chain.week(1)))
    wait_for_endpoint(clone.target, MODEL, 1)
    sqs, lambdas = clone.client("sqs"), clone.client("lambda")
    queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    (mapping,) = lambdas.list_event_source_mappings(FunctionName=QUEUE)["EventSourceMappings"]
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    clone.comal("push", MODEL, str(chain.week(2)), "--no-follow")
    set_alarm(clone, "ALARM")
    fire_schedule_now(clone)
    clone.comal("retrain", MODEL, "--reason", "a new menu", "--no-follow")
    messages = held_back(
        sqs, queue, {"BatchValidated", "CloudWatch Alarm State Change", "Schedule", "TrainingRequested"}
    )
    copies = messages * COPIES
    random.Random(SEED).shuffle(copies)
    for body in copies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    newest = wait_for(
        lambda: runs(clone)[0] if len(runs(clone)) > 1 else None, what="the run", timeout_s=60, next_step=""
    )
    wait_for_run(clone.target, MODEL, newest["run_id"])
    wait_until_empty(sqs, queue)
    assert len(runs(clone)) == 2, "the first week's, and one for all four"
    assert {trigger["kind"] for trigger in newest["triggers"]} == {"new_rows", "alarm", "schedule", "request"}
    assert len(newest["triggers"]) == 4
    shown = clone.comal("history", MODEL).stdout
    assert newest["run_id"] in shown


@pytest.mark.slow
def test_a_hundred_flaps_of_an_alarm_are_one_run_at_most(clone: Clone) -> None:
    set_alarm(clone, "OK")
    before = len(runs(clone))
    for _ in range(FLAPS):
        set_alarm(clone, "ALARM")
        set_alarm(clone, "OK")
    sqs = clone.client("sqs")
    wait_until_empty(sqs, sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"])
    assert len(runs(clone)) - before <= 1
    told = [trigger for row in decisions_of(clone.target, MODEL) for trigger in row["triggers"]]
    flaps = {trigger["event_id"] for trigger in told if trigger["kind"] == "alarm"}
    assert len(flaps) == FLAPS + 1, "every flap has its row, and the one of the test before"


def fire_schedule_now(clone: Clone) -> None:
    """A second schedule with the target of the recipe's own, for once."""
    scheduler = clone.client("scheduler")
    (own,) = [found for found in scheduler.list_schedules()["Schedules"] if found["Name"] == f"local-{MODEL}-retrain"]
    schedule = scheduler.get_schedule(Name=own["Name"], GroupName=own["GroupName"])
    at = datetime.now(UTC) + timedelta(seconds=1)
    scheduler.create_schedule(
        Name="once",
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=schedule["Target"],
    )


def held_back(sqs: Any, queue: str, wanted: set[str]) -> list[str]:
    """Bodies of the messages that wait, one of each detail type at least; the queue is empty afterwards."""
    bodies: dict[str, str] = {}
    deadline = time.monotonic() + 60
    while {json.loads(body)["detail-type"] for body in bodies.values()} < wanted:
        assert time.monotonic() < deadline, sorted(bodies.values())
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        ):
            if json.loads(message["Body"])["detail-type"] in wanted:
                bodies[message["MessageId"]] = message["Body"]
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return list(bodies.values())


def wait_until_empty(sqs: Any, queue: str) -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return all(found[name] == "0" for name in names)

    wait_for(lambda: is_empty() or None, what="an empty queue", timeout_s=120, next_step="")
