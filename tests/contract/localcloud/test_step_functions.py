"""State machines: SageMaker jobs as tasks, by the machine's own role, with an event for every end."""

import json
from pathlib import Path
from typing import Any

from tests.contract.localcloud.resources import (
    create_function,
    create_queue,
    create_role,
    read_journal,
    receive,
    start_fake_edge,
    wait_for,
)
from tests.running_cloud import ACCOUNT, REGION, RunningCloud, stop_cloud

JOBS = {
    "Effect": "Allow",
    "Action": ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"],
    "Resource": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/*",
}
TRAIN = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
    "Parameters": {"TrainingJobName.$": "$.job"},
    "ResultPath": "$.result",
    "End": True,
}


def create_machine(
    cloud: RunningCloud,
    name: str,
    states: dict[str, Any],
    start_at: str,
    statements: list[dict[str, Any]],
    **definition: Any,
) -> str:
    arn: str = cloud.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps({"StartAt": start_at, "States": states, **definition}),
        roleArn=create_role(cloud, f"{name}-role", statements),
    )["stateMachineArn"]
    return arn


def start_execution(cloud: RunningCloud, machine: str, document: dict[str, Any]) -> str:
    arn: str = cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(document))[
        "executionArn"
    ]
    return arn


def describe_end(cloud: RunningCloud, execution: str) -> dict[str, Any]:
    client = cloud.client("stepfunctions")
    wait_for(lambda: client.describe_execution(executionArn=execution)["status"] != "RUNNING", "an end")
    answer: dict[str, Any] = client.describe_execution(executionArn=execution)
    return answer


def listen_for_ends(cloud: RunningCloud, name: str, machine: str) -> str:
    queue_url, queue_arn = create_queue(cloud, f"{name}-ends")
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [machine], "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]},
    }
    events = cloud.client("events")
    events.put_rule(Name=f"{name}-ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule=f"{name}-ends", Targets=[{"Id": "queue", "Arn": queue_arn}])
    return queue_url


def test_a_training_task_waits_for_its_job_and_returns_its_description(echo: RunningCloud) -> None:
    machine = create_machine(echo, "trains", {"Train": TRAIN}, "Train", [JOBS])
    ends = listen_for_ends(echo, "trains", machine)
    execution = start_execution(echo, machine, {"job": "done-1"})
    end = describe_end(echo, execution)
    assert end["status"] == "SUCCEEDED", (end.get("error"), end.get("cause"))
    result = json.loads(end["output"])["result"]
    assert (result["TrainingJobName"], result["TrainingJobStatus"]) == ("done-1", "Completed")
    assert result["CreationTime"] > 1e12, "epoch milliseconds"
    assert "sagemaker CreateTrainingJob done-1 ASIA" in read_journal(echo), "called as a role"
    event = receive(echo, ends)
    assert event["resources"] == [execution]
    detail = event["detail"]
    assert (detail["executionArn"], detail["stateMachineArn"], detail["status"]) == (execution, machine, "SUCCEEDED")
    assert json.loads(detail["input"]) == {"job": "done-1"}
    assert json.loads(detail["output"]) == json.loads(end["output"])
    assert detail["startDate"] <= detail["stopDate"]


def test_a_failed_job_fails_the_task_with_the_description_as_cause(echo: RunningCloud) -> None:
    states = {
        "Train": {**TRAIN, "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "End"}]},
        "End": {"Type": "Pass", "End": True},
    }
    machine = create_machine(echo, "catches", states, "Train", [JOBS])
    end = describe_end(echo, start_execution(echo, machine, {"job": "fails-1"}))
    error = json.loads(end["output"])["error"]
    assert error["Error"] == "States.TaskFailed"
    assert json.loads(error["Cause"])["TrainingJobStatus"] == "Failed"


def test_without_sync_the_task_returns_what_create_returned(echo: RunningCloud) -> None:
    task = {**TRAIN, "Resource": "arn:aws:states:::sagemaker:createTrainingJob"}
    machine = create_machine(echo, "starts", {"Train": task}, "Train", [JOBS])
    end = describe_end(echo, start_execution(echo, machine, {"job": "hangs-0"}))
    assert json.loads(end["output"])["result"]["TrainingJobArn"].endswith("training-job/hangs-0")


def test_an_aborted_execution_stops_its_job_and_stays_aborted(echo: RunningCloud) -> None:
    machine = create_machine(echo, "aborts", {"Train": TRAIN}, "Train", [JOBS])
    ends = listen_for_ends(echo, "aborts", machine)
    execution = start_execution(echo, machine, {"job": "hangs-1"})
    wait_for(lambda: "sagemaker CreateTrainingJob hangs-1 ASIA" in read_journal(echo), "the job")
    echo.client("stepfunctions").stop_execution(executionArn=execution, error="Enough", cause="of it")
    wait_for(lambda: "sagemaker StopTrainingJob hangs-1 ASIA" in read_journal(echo), "the stop")
    assert receive(echo, ends)["detail"]["status"] == "ABORTED"
    assert describe_end(echo, execution)["status"] == "ABORTED"


def test_a_task_whose_time_is_up_fails_and_stops_its_job(echo: RunningCloud) -> None:
    machine = create_machine(echo, "waits", {"Train": {**TRAIN, "TimeoutSeconds": 1}}, "Train", [JOBS])
    end = describe_end(echo, start_execution(echo, machine, {"job": "hangs-2"}))
    assert (end["status"], end["error"]) == ("FAILED", "States.Timeout")
    wait_for(lambda: "sagemaker StopTrainingJob hangs-2 ASIA" in read_journal(echo), "the stop")


def test_an_execution_whose_time_is_up_is_timed_out_with_an_event_and_its_job_is_stopped(echo: RunningCloud) -> None:
    machine = create_machine(echo, "expires", {"Train": TRAIN}, "Train", [JOBS], TimeoutSeconds=1)
    ends = listen_for_ends(echo, "expires", machine)
    execution = start_execution(echo, machine, {"job": "hangs-4"})
    assert receive(echo, ends)["detail"]["status"] == "TIMED_OUT"
    wait_for(lambda: "sagemaker StopTrainingJob hangs-4 ASIA" in read_journal(echo), "the stop")
    assert describe_end(echo, execution)["status"] == "TIMED_OUT"


def test_a_machine_may_do_what_its_role_may_and_nothing_else(echo: RunningCloud) -> None:
    create_function(echo, "target", "def handle(event, context): return {'got': event}")
    queue_url, queue_arn = create_queue(echo, "forbidden")
    tasks: dict[str, dict[str, Any]] = {
        "sagemaker:createTrainingJob": {"TrainingJobName": "done-2"},
        "lambda:invoke": {"FunctionName": "target", "Payload": {"x": 1}},
        "sqs:sendMessage": {"QueueUrl": queue_url, "MessageBody": "{}"},
        "events:putEvents": {"Entries": [{"Source": "mine", "DetailType": "Mine", "Detail": {"x": 1}}]},
    }
    allowed = [
        JOBS,
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:target",
        },
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn},
        {
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
        },
    ]
    for number, (integration, parameters) in enumerate(tasks.items()):
        task = {"Type": "Task", "Resource": f"arn:aws:states:::{integration}", "Parameters": parameters, "End": True}
        for name, statements in (("may", allowed), ("may-not", [])):
            machine = create_machine(echo, f"{name}-{number}", {"Only": task}, "Only", statements)
            end = describe_end(echo, start_execution(echo, machine, {}))
            assert end["status"] == ("SUCCEEDED" if name == "may" else "FAILED"), (integration, end)
            if name == "may-not":
                assert "is not authorized to perform" in end["cause"]


def test_an_execution_that_ran_at_kill_9_fails_with_an_event_and_its_job_is_stopped(tmp_path: Path) -> None:
    first = start_fake_edge(tmp_path / "state")
    machine = create_machine(first, "interrupted", {"Train": TRAIN}, "Train", [JOBS])
    ends = listen_for_ends(first, "interrupted", machine)
    execution = start_execution(first, machine, {"job": "hangs-3"})
    wait_for(lambda: "sagemaker CreateTrainingJob hangs-3 ASIA" in read_journal(first), "the job")
    saved = tmp_path / "state" / "ministack" / "stepfunctions.json"
    wait_for(lambda: saved.exists() and "localcloudActiveJob" in saved.read_text(), "the save")
    first.process.kill()
    first.process.wait()
    second = start_fake_edge(tmp_path / "state", first.port)
    try:
        detail = receive(second, ends)["detail"]
        assert (detail["executionArn"], detail["status"]) == (execution, "FAILED")
        assert detail["error"] == "States.ServiceRestart"
        assert describe_end(second, execution)["status"] == "FAILED"
        wait_for(lambda: "sagemaker StopTrainingJob hangs-3 ASIA" in read_journal(second), "the stop")
    finally:
        stop_cloud(second)
