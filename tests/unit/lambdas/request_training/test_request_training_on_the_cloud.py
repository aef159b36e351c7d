"""request_training against the local cloud: rows, inputs and executions as they really are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from comal import s3_layout
from comal.events import BatchValidated, TrainingRequested, event_id
from comal.table_items import from_item, to_item
from lambdas.request_training.handler import handle
from lambdas.request_training.training_runs import TrainingRuns
from tests.unit.comal.registry_samples import make_recipe
from tests.unit.lambdas.lambda_stack import NOW, Context, LambdaStack, sqs_event

WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}


@pytest.fixture
def stack(lambda_stack: LambdaStack) -> Iterator[LambdaStack]:
    """With a state machine whose executions run until they are stopped."""
    machine = lambda_stack.stepfunctions.create_state_machine(
        name=lambda_stack.names.of_model(lambda_stack.model),
        definition=json.dumps(WAITS),
        roleArn=lambda_stack.role_arn,
    )
    lambda_stack.deploy(make_recipe(retrain={"on_new_rows": 100}))
    yield lambda_stack
    for arn in running(lambda_stack, machine["stateMachineArn"]):
        lambda_stack.stepfunctions.stop_execution(executionArn=arn)


def running(stack: LambdaStack, machine: str = "") -> list[str]:
    machine = machine or stack.names.state_machine_arn(stack.model)
    answer = stack.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
    return [execution["executionArn"] for execution in answer["executions"]]


def rows(stack: LambdaStack, prefix: str) -> list[dict[str, Any]]:
    answer = stack.dynamodb.query(
        TableName=stack.names.shared("retraining"),
        KeyConditionExpression="pk = :model AND begins_with(sk, :prefix)",
        ExpressionAttributeValues=to_item({":model": stack.model, ":prefix": prefix}),
    )
    return [from_item(item) for item in answer["Items"]]


def validate(stack: LambdaStack, batch_id: str, row_count: int = 50) -> dict[str, Any]:
    """What validate_batch leaves of a good batch: a row, and an event."""
    key = s3_layout.validated_key(stack.model, "2026-03-01", batch_id)
    row = {"pk": stack.model, "sk": f"batch#{batch_id}", "status": "validated", "validated_key": key, "rows": row_count}
    stack.dynamodb.put_item(TableName=stack.names.shared("batches"), Item=to_item(row))
    event = BatchValidated(
        event_id=event_id(batch_id),
        stack=stack.names.stack,
        model=stack.model,
        batch_id=batch_id,
        source_key="incoming/tacos/a.csv",
        rows=row_count,
        validated_key=key,
        profile_key="p",
        report_key="r",
    )
    return envelope("BatchValidated", event.model_dump())


def ask(stack: LambdaStack, reason: str, model: str = "") -> dict[str, Any]:
    event = TrainingRequested(
        event_id=event_id(reason),
        stack=stack.names.stack,
        model=model or stack.model,
        kind="request",
        reason=reason,
        requested_by="ana",
    )
    return envelope("TrainingRequested", event.model_dump())


def envelope(detail_type: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"detail-type": detail_type, "source": "comal", "time": NOW, "detail": detail}


def end(stack: LambdaStack, error: str = "Boom", cause: str = "") -> dict[str, Any]:
    """Stops the running execution; the event that Step Functions sends of it."""
    (arn,) = running(stack)
    stack.stepfunctions.stop_execution(executionArn=arn, error=error, cause=cause)
    execution = stack.stepfunctions.describe_execution(executionArn=arn)
    detail = {name: execution[name] for name in ("executionArn", "stateMachineArn", "name", "status")}
    detail |= {"error": error, "cause": cause}
    return {**envelope("Step Functions Execution Status Change", detail), "source": "aws.states"}


def call(*envelopes: dict[str, Any]) -> list[Any]:
    failures: list[Any] = handle(sqs_event(*envelopes), Context())["batchItemFailures"]
    return failures


def test_a_batch_starts_a_run_with_everything_it_takes(stack: LambdaStack) -> None:
    assert call(validate(stack, "b1")) == []
    (arn,) = running(stack)
    execution = stack.stepfunctions.describe_execution(executionArn=arn)
    given = json.loads(execution["input"])
    run_id, job = given["run_id"], given["training_job"]
    assert execution["name"] == job["TrainingJobName"] == stack.names.training_job(stack.model, run_id)
    assert given["champion"] is None
    bucket = stack.names.bucket("models")
    manifest = stack.s3.get_object(Bucket=bucket, Key=s3_layout.run_manifest_key(stack.model, run_id))["Body"].read()
    assert json.loads(manifest) == [
        {"prefix": f"s3://{stack.names.bucket('lake')}/"},
        "validated/tacos/v1/dt=2026-03-01/b1.parquet",
    ]
    key = s3_layout.run_recipe_prefix(stack.model, run_id) + "recipe.json"
    assert stack.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() == stack.recipe.model_dump_json()
    (started,) = stack.events(lambda heard: len(heard) == 1)
    assert started["detail-type"] == "TrainingStarted"
    assert started["detail"]["execution_arn"] == arn
    (decision,) = rows(stack, "decision#")
    assert (decision["decision"], decision["run_id"]) == ("run", run_id)


def test_a_search_that_was_asked_for_is_in_its_runs_recipe_and_in_no_other(stack: LambdaStack) -> None:
    validate(stack, "b1")
    asked = ask(stack, "what fits best?")
    asked["detail"]["search"] = {"trials": 4, "minutes": 2.5}
    call(asked)
    call(ask(stack, "nightly"))
    searches = []
    for _ in range(2):
        given = json.loads(stack.stepfunctions.describe_execution(executionArn=running(stack)[0])["input"])
        key = s3_layout.run_recipe_prefix(stack.model, given["run_id"]) + "recipe.json"
        recipe = json.loads(stack.s3.get_object(Bucket=stack.names.bucket("models"), Key=key)["Body"].read())
        searches.append(recipe["training"]["search"])
        call(end(stack))
    assert searches[0]["trials"] == 4
    assert searches[1] is None


def test_a_search_that_the_recipe_cannot_have_is_refused_and_holds_nothing_up(stack: LambdaStack) -> None:
    validate(stack, "b1")
    asked = ask(stack, "what fits best?")
    asked["detail"]["search"] = {"minutes": 60}
    call(asked)
    assert running(stack) == []
    (decision,) = rows(stack, "decision#")
    assert decision["decision"] == "refused"
    assert "60 minutes of search leave no time to fit" in decision["why"]
    call(ask(stack, "nightly"))
    assert len(running(stack)) == 1


def test_the_champion_goes_into_the_run(stack: LambdaStack) -> None:
    arn = stack.add_version()
    validate(stack, "b1")
    call(ask(stack, "new store"))
    given = json.loads(stack.stepfunctions.describe_execution(executionArn=running(stack)[0])["input"])
    assert given["champion"] == {"version": 1, "model_package_arn": arn}
    assert given["training_job"]["HyperParameters"]["champion_package_arn"] == arn


def test_what_arrives_during_a_run_is_decided_when_it_ends(stack: LambdaStack) -> None:
    call(validate(stack, "b1"))
    call(ask(stack, "new store"), ask(stack, "nightly"))
    assert len(running(stack)) == 1
    first = running(stack)
    call(end(stack, cause='{"FailureReason": "AlgorithmError: no rows"}'))
    assert running(stack) != first
    (state,) = rows(stack, "state")
    assert state["last_run"]["status"] == "ABORTED"
    assert state["last_run"]["error"] == "Boom: AlgorithmError: no rows"
    assert {row["sk"]: row["run_id"] for row in rows(stack, "trigger#")}[f"trigger#{event_id('nightly')}"] == (
        state["in_flight"]["run_id"]
    )


def test_repeated_messages_change_nothing(stack: LambdaStack) -> None:
    message = validate(stack, "b1")
    for _ in range(3):
        assert call(message, message) == []
    call(end(stack))
    assert call(message) == []
    assert running(stack) == []
    assert [row["decision"] for row in rows(stack, "decision#")] == ["run"]


def test_a_run_whose_end_was_never_heard_does_not_block(stack: LambdaStack) -> None:
    call(validate(stack, "b1"))
    end(stack)
    timer = {"detail-type": "Timer", "source": "comal", "time": NOW}
    validate(stack, "b2")
    call(ask(stack, "again"))
    assert len(running(stack)) == 1
    end(stack)
    assert call(timer) == []
    (state,) = rows(stack, "state")
    assert "in_flight" not in state


def test_a_run_that_was_claimed_and_never_started_is_started(
    stack: LambdaStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function dies between the claim and the start; the recipe changes before it comes back."""
    message = validate(stack, "b1")
    with monkeypatch.context() as patch:
        patch.setattr(TrainingRuns, "write_inputs", _die)
        with pytest.raises(Exception, match="All records failed"):
            call(message)
    assert running(stack) == []
    stack.deploy(make_recipe(training={"seed": 99}))
    call(message)
    (state,) = rows(stack, "state")
    run_id = state["in_flight"]["run_id"]
    assert running(stack) == [state["in_flight"]["execution_arn"]]
    key = s3_layout.run_recipe_prefix(stack.model, run_id) + "recipe.json"
    recipe = json.loads(stack.s3.get_object(Bucket=stack.names.bucket("models"), Key=key)["Body"].read())
    assert recipe["training"]["seed"] == 7


def _die(*_: Any) -> None:
    raise RuntimeError("killed")


def test_a_manifest_stays_as_it_was_first_written(stack: LambdaStack) -> None:
    call(validate(stack, "b1"))
    (state,) = rows(stack, "state")
    stack.dynamodb.update_item(
        TableName=stack.names.shared("retraining"),
        Key=to_item({"pk": stack.model, "sk": "state"}),
        UpdateExpression="SET in_flight.announced = :no",
        ExpressionAttributeValues=to_item({":no": False}),
    )
    call(validate(stack, "b2"))
    key = s3_layout.run_manifest_key(stack.model, state["in_flight"]["run_id"])
    manifest = json.loads(stack.s3.get_object(Bucket=stack.names.bucket("models"), Key=key)["Body"].read())
    assert len(manifest) == 2


def test_a_request_without_data_is_refused(stack: LambdaStack) -> None:
    call(ask(stack, "impatient"))
    (refused,) = stack.events(lambda heard: len(heard) == 1)
    assert refused["detail-type"] == "TrainingRefused"
    assert refused["detail"]["why"] == "there is no validated batch to train on"


def test_while_windows_are_computed_a_request_is_refused_for_that(stack: LambdaStack) -> None:
    pace = {"entity": "store", "windows": {"orders_1h": {"function": "count", "over": "1h"}}}
    features = {"store": {"type": "category", "values": ["centro"]}}
    sections = {"entity": "order_id", "event_time": {"column": "at"}, "features": features}
    stack.deploy(make_recipe(**sections, feature_groups={"pace": pace}))
    validate(stack, "b1")
    validate(stack, "b2")
    call(ask(stack, "impatient"))
    (refused,) = stack.events(lambda heard: len(heard) == 1)
    why = "2 validated batches wait for their windows, which are still being computed"
    assert refused["detail"]["why"] == why


def test_what_somebody_gives_as_a_reason_is_kept_in_one_line(stack: LambdaStack) -> None:
    call(ask(stack, "\x1b[31mnew\nstore"))
    (trigger,) = rows(stack, "trigger#")
    assert trigger["reason"] == "[31mnew store"


def test_a_message_that_cannot_be_read_fails_alone(stack: LambdaStack) -> None:
    broken = envelope("TrainingRequested", {"stack": stack.names.stack})
    good = validate(stack, "b1")
    assert call(broken, good) == [{"itemIdentifier": "message-0"}]
    assert len(running(stack)) == 1


def test_other_stacks_are_none_of_our_business(stack: LambdaStack) -> None:
    message = ask(stack, "not ours")
    message["detail"]["stack"] = "other"
    assert call(message) == []
    assert rows(stack, "trigger#") == []
