"""EventBridge Scheduler reaches a queue, with its context attributes filled in."""

import json

from tests.contract.localcloud.resources import create_queue, create_role, receive
from tests.running_cloud import RunningCloud


def test_a_schedule_s_message_carries_its_time_and_arn(cloud: RunningCloud) -> None:
    url, arn = create_queue(cloud, "scheduled-orders")
    role = create_role(
        cloud, "scheduled-orders-role", [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}]
    )
    message = {
        "model": "tacos",
        "time": "<aws.scheduler.scheduled-time>",
        "from": "<aws.scheduler.schedule-arn>",
        "attempt": "<aws.scheduler.attempt-number>",
    }
    schedule = cloud.client("scheduler").create_schedule(
        Name="orders",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": json.dumps(message)},
    )
    cloud.advance(65)
    seen = receive(cloud, url)
    cloud.client("scheduler").delete_schedule(Name="orders")
    assert (seen["model"], seen["from"], seen["attempt"]) == ("tacos", schedule["ScheduleArn"], "1")
    assert len(seen["time"]) == len("2026-01-01T00:00:00Z")
