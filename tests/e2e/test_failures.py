"""What breaks a run, one thing after the other: each time the champion goes on answering and the next run works."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from comal import s3_layout
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.following import decisions_of, wait_for_decision, wait_for_endpoint, wait_for_run
from comal.cli.items import rows_of
from comal.cli.patience import wait_for
from comal.cli.repository import Repository
from comal.cli.runs import RUNNING, last_run
from localcloud.aws.sagemaker.containers.records import ProcessIds, read_process_ids, start_time_of
from tests.e2e.clone import Clone

TIMEOUT_S = 60
POLL_S = 0.01
# Trees that take long enough for a test to find the process that grows them.
ROUNDS = 600


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    """The stack is up and serves version 1, which week 1 made."""
    chain = TacoChain(Repository(clone.root))
    edit_recipe(clone, lambda recipe: recipe["training"]["params"].update(num_boost_round=ROUNDS))
    clone.comal("up")
    clone.comal("push", MODEL, str(chain.week(1)))
    wait_for_endpoint(clone.target, MODEL, 1)
    return chain


@pytest.fixture(scope="module")
def events(clone: Clone, chain: TacoChain) -> str:
    """A queue that gets the events of failed runs and jobs; its address."""
    queue = clone.client("sqs").create_queue(QueueName="failures-seen")["QueueUrl"]
    arn = clone.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    clone.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    pattern = {
        "source": ["aws.states", "aws.sagemaker"],
        "detail-type": ["Step Functions Execution Status Change", "SageMaker Training Job State Change"],
    }
    clone.client("events").put_rule(Name="failures-seen", EventPattern=json.dumps(pattern))
    clone.client("events").put_targets(Rule="failures-seen", Targets=[{"Id": "queue", "Arn": arn}])
    return str(queue)


def edit_recipe(clone: Clone, edit: Callable[[Any], None]) -> None:
    """Changes the recipe, as an editor would."""
    path = clone.root / f"recipes/{MODEL}.yaml"
    recipe = yaml.safe_load(path.read_text())
    edit(recipe)
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))


def standing(clone: Clone) -> dict[str, Any]:
    (row,) = clone.json("status", MODEL)
    return row


def answering_version(clone: Clone, chain: TacoChain) -> int:
    return int(clone.json("invoke", MODEL, "--data", json.dumps(chain.orders(chain.week(1))[:1]))["model_version"])


def process_of_running_job(clone: Clone) -> ProcessIds:
    """Waits until a training job's process runs."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        for directory in (clone.root / ".comal/local/sagemaker/training-jobs").glob("*"):
            ids = read_process_ids(directory)
            if ids and start_time_of(ids.child) == ids.child_started:
                return ids
        time.sleep(POLL_S)
    raise AssertionError(f"no training job runs\n{clone.cloud_log()}")


@contextmanager
def held(pid: int) -> Iterator[None]:
    """A process stands still until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def seen_events(clone: Clone, queue: str) -> list[dict[str, Any]]:
    """The events that came since the last look."""
    found: list[dict[str, Any]] = []
    sqs = clone.client("sqs")
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def request(clone: Clone, reason: str) -> str:
    """Asks for a run and does not wait for it; the id of the request."""
    return str(clone.json("retrain", MODEL, "--reason", reason, "--no-follow")["event_id"])


def executions(clone: Clone) -> list[dict[str, Any]]:
    """All runs, in the order in which they began."""
    arn = clone.target.names.state_machine_arn(MODEL)
    found = clone.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    return sorted(found, key=lambda execution: execution["startDate"])


def wait_until_idle(clone: Clone) -> dict[str, Any]:
    """Waits until no run is in flight and none is about to start; the last run."""

    def idle() -> dict[str, Any] | None:
        state = next(iter(rows_of(clone.target, "retraining", MODEL, "state")), {})
        run = last_run(clone.target, MODEL)
        return run if run and run["status"] != RUNNING and not state.get("in_flight") else None

    return wait_for(idle, what="the end of all runs", timeout_s=TIMEOUT_S, next_step=clone.cloud_log())


def test_a_killed_job_fails_with_the_signal_and_the_champion_goes_on(clone, chain, events):
    before = standing(clone)
    follower = subprocess.Popen(
        [Path(sys.executable).parent / "comal", "retrain", MODEL, "--reason", "to be killed"],
        cwd=clone.root,
        env=clone.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.kill(process_of_running_job(clone).child, signal.SIGKILL)
    told, _ = follower.communicate(timeout=TIMEOUT_S)
    assert follower.returncode == 1
    assert "SIGKILL" in told

    run = wait_until_idle(clone)
    job = clone.client("sagemaker").describe_training_job(TrainingJobName=run["training_job"])
    assert (run["status"], job["TrainingJobStatus"]) == ("FAILED", "Failed")
    assert "killed by signal 9 (SIGKILL)" in job["FailureReason"]
    after = standing(clone)
    assert after["champion"] == before["champion"]
    assert after["endpoint"] == before["endpoint"]
    assert answering_version(clone, chain) == before["champion"]["version"]


def test_status_says_in_one_line_why_a_run_failed(clone):
    lines = clone.comal("status", MODEL).stdout.splitlines()
    (line,) = [line for line in lines if "SIGKILL" in line]
    assert line.split()[0] == "failure"
    (next_line,) = [line for line in lines if line.startswith("next")]
    assert f"comal logs job {MODEL}" in next_line


def test_the_failure_of_job_and_run_are_events(clone, events):
    told: list[dict[str, Any]] = []

    def both() -> bool | None:
        told.extend(seen_events(clone, events))
        statuses = {event["detail"].get("TrainingJobStatus") or event["detail"].get("status") for event in told}
        return {"Failed", "FAILED"} <= statuses or None

    wait_for(both, what="events of the failure", timeout_s=TIMEOUT_S, next_step=clone.cloud_log())
    (job_failed,) = [event for event in told if event["detail"].get("TrainingJobStatus") == "Failed"]
    assert "SIGKILL" in job_failed["detail"]["FailureReason"]


def test_what_comes_during_a_run_is_decided_after_it_in_one_run(clone, chain):
    runs_before = len(executions(clone))
    first = request(clone, "first")
    with held(process_of_running_job(clone).child):
        second, third = request(clone, "second"), request(clone, "third")
        (batch,) = clone.json("push", MODEL, str(chain.week(2)))
        waiting = {second, third}
        wait_for(
            lambda: waiting <= coalesced(clone) or None,
            what="the requests to be written down",
            timeout_s=TIMEOUT_S,
            next_step=clone.cloud_log(),
        )
        assert len(executions(clone)) == runs_before + 1
    last = wait_for_run(clone.target, MODEL, wait_for_decision(clone.target, MODEL, third)["run_id"])
    wait_until_idle(clone)

    assert last["status"] == "SUCCEEDED"
    runs = executions(clone)[runs_before:]
    assert [run["status"] for run in runs] == ["SUCCEEDED"] * 2
    assert runs[0]["stopDate"] <= runs[1]["startDate"]
    by_run = {row["run_id"]: row for row in decisions_of(clone.target, MODEL) if row["decision"] == "run"}
    reasons = {trigger["event_id"]: trigger["reason"] for trigger in by_run[last["run_id"]]["triggers"]}
    assert reasons[second] == "second"
    assert reasons[third] == "third"
    assert first not in reasons
    assert "second" in by_run[last["run_id"]]["why"]
    assert "third" in by_run[last["run_id"]]["why"]
    assert batch["batch_id"] in manifest_of(clone, last["run_id"])


def coalesced(clone: Clone) -> set[str]:
    """Triggers that were told to wait."""
    rows = decisions_of(clone.target, MODEL)
    return {trigger["event_id"] for row in rows if row["decision"] == "coalesced" for trigger in row["triggers"]}


def manifest_of(clone: Clone, run_id: str) -> str:
    key = s3_layout.run_manifest_key(MODEL, run_id)
    answer = clone.client("s3").get_object(Bucket=clone.target.names.bucket("models"), Key=key)
    text: str = answer["Body"].read().decode()
    return text


@pytest.mark.parametrize(
    "job_survives",
    [
        pytest.param(True, id="its job survives"),
        pytest.param(False, id="its job dies with it", marks=pytest.mark.slow),
    ],
)
def test_a_run_ends_and_the_next_one_serves_after_the_local_cloud_was_killed(clone, chain, job_survives):
    champion = standing(clone)["champion"]["version"]
    trigger = request(clone, "the cloud will be killed")
    ids = process_of_running_job(clone)
    with held(ids.child):
        wait_until_saved(clone, wait_for_decision(clone.target, MODEL, trigger)["run_id"])
        os.kill(clone.json("cloud", "status")["pid"], signal.SIGKILL)
        if not job_survives:
            os.kill(ids.supervisor, signal.SIGKILL)
            os.kill(ids.child, signal.SIGKILL)
        clone.comal("cloud", "start")
        run = wait_for_run(clone.target, MODEL, wait_for_decision(clone.target, MODEL, trigger)["run_id"])
        assert run["status"] == "FAILED"
        assert answering_version(clone, chain) == champion

    wait_until_idle(clone)
    ended = wait_until_job_ended(clone, run["training_job"])
    assert start_time_of(ids.child) != ids.child_started
    if job_survives:
        assert ended["TrainingJobStatus"] == "Stopped"
        assert "service restarted" in standing(clone)["run"]["failure"]
    else:
        assert ended["TrainingJobStatus"] == "Failed"
        assert "killed" in standing(clone)["run"]["failure"]

    outcome = clone.json("retrain", MODEL, "--reason", "after the kill")
    assert (outcome["status"], outcome["approval"]) == ("SUCCEEDED", "Approved"), outcome["why"]
    assert answering_version(clone, chain) == outcome["version"] > champion


@pytest.mark.slow
def test_a_run_that_was_lost_with_the_local_cloud_does_not_keep_the_next_one_from_serving(clone, chain):
    champion = standing(clone)["champion"]["version"]
    request(clone, "killed before it was saved")
    process_of_running_job(clone)
    os.kill(clone.json("cloud", "status")["pid"], signal.SIGKILL)
    clone.comal("cloud", "start")
    outcome = clone.json("retrain", MODEL, "--reason", "after the loss")
    assert (outcome["status"], outcome["approval"]) == ("SUCCEEDED", "Approved"), outcome["why"]
    assert answering_version(clone, chain) == outcome["version"] > champion


def wait_until_saved(clone: Clone, run_id: str) -> None:
    """A killed local cloud may lose what happened in its last two seconds."""
    files = [clone.root / f".comal/local/ministack/{service}.json" for service in ("stepfunctions", "dynamodb")]

    def saved() -> bool | None:
        executions, tables = (file.read_text() for file in files)
        return (run_id in executions and "localcloudActiveJob" in executions and f"#{run_id}" in tables) or None

    wait_for(saved, what=f"run {run_id} on disk", timeout_s=TIMEOUT_S, next_step=clone.cloud_log())


def wait_until_job_ended(clone: Clone, job: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = clone.client("sagemaker").describe_training_job(TrainingJobName=job)
        return described if described["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"} else None

    return wait_for(ended, what=f"the end of {job}", timeout_s=TIMEOUT_S, next_step=clone.cloud_log())


def test_a_challenger_that_loses_is_rejected_and_the_endpoint_stays(clone, chain):
    edit_recipe(clone, lambda recipe: recipe["gate"].update(at_most=0.01))
    clone.comal("up")
    before = standing(clone)
    outcome = clone.json("retrain", MODEL, "--reason", "a gate that nobody passes")
    assert (outcome["status"], outcome["approval"]) == ("SUCCEEDED", "Rejected")
    assert "above at_most 0.01" in outcome["why"]
    assert outcome["endpoint"] is None
    after = standing(clone)
    assert after["latest"]["version"] == outcome["version"]
    assert after["champion"] == before["champion"]
    assert after["endpoint"] == before["endpoint"]
    assert answering_version(clone, chain) == before["champion"]["version"]
    assert "above at_most 0.01" in clone.comal("status", MODEL).stdout
