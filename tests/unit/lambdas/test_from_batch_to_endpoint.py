"""The functions and the container understand each other: two runs, with the state machine's steps done by hand."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comal import s3_layout
from comal.table_items import to_item
from lambdas.deploy_model.handler import handle as deploy_model
from lambdas.register_model.handler import handle as register_model
from lambdas.request_training.handler import handle as request_training
from tests.running_cloud import IMAGE_URI
from tests.unit.lambdas.lambda_stack import NOW, Context, LambdaStack, sqs_event, wait_for

# Its executions only hold what request_training has decided.
HOLDS = {"StartAt": "Hold", "States": {"Hold": {"Type": "Succeed"}}}


def _push(stack: LambdaStack, batch_id: str, rows: int = 400) -> None:
    """A validated batch whose target follows from its feature."""
    km = np.random.default_rng(len(batch_id)).uniform(0, 10, rows)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"distance_km": km, "minutes": 3 * km + 5}), buffer)
    key = s3_layout.validated_key(stack.model, "2026-03-01", batch_id)
    stack.s3.put_object(Bucket=stack.names.bucket("lake"), Key=key, Body=buffer.getvalue())
    row = {"pk": stack.model, "sk": f"batch#{batch_id}", "status": "validated", "validated_key": key, "rows": rows}
    stack.dynamodb.put_item(TableName=stack.names.shared("batches"), Item=to_item(row))


def _run(stack: LambdaStack, reason: str) -> dict[str, Any]:
    """One run from request to endpoint; what register_model answered."""
    asked = {
        "event_id": reason,
        "stack": stack.names.stack,
        "model": stack.model,
        "kind": "request",
        "reason": reason,
        "requested_by": "ana",
    }
    request_training(sqs_event({"detail-type": "TrainingRequested", "time": NOW, "detail": asked}), Context())
    state = _decided(stack)
    stack.sagemaker.create_training_job(**state["training_job"])
    state["training_job_result"] = _result(_finished(stack, state["training_job"]["TrainingJobName"]))
    answer: dict[str, Any] = register_model(state, Context())
    detail = {"ModelPackageGroupName": stack.names.of_model(stack.model), "ModelApprovalStatus": "Approved"}
    approved = {"detail-type": "SageMaker Model Package State Change", "time": NOW, "detail": detail}
    deploy_model(sqs_event(approved), Context())
    return answer


def _decided(stack: LambdaStack) -> dict[str, Any]:
    machine = stack.names.state_machine_arn(stack.model)
    executions = stack.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    newest = max(executions, key=lambda execution: execution["startDate"])
    described = stack.stepfunctions.describe_execution(executionArn=newest["executionArn"])
    state: dict[str, Any] = json.loads(described["input"])
    return state


def _finished(stack: LambdaStack, name: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = stack.sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] != "InProgress" else None

    job: dict[str, Any] = wait_for(ended, f"job {name}")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return job


def _result(job: dict[str, Any]) -> dict[str, Any]:
    """As Step Functions passes it on: times are epoch milliseconds."""
    milliseconds = round(job["TrainingEndTime"].timestamp() * 1000)
    return {"TrainingEndTime": milliseconds, "ModelArtifacts": job["ModelArtifacts"]}


def _predict(stack: LambdaStack) -> dict[str, Any]:
    name = stack.names.of_model(stack.model)

    def in_service() -> bool:
        status: str = stack.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
        return status == "InService"

    wait_for(in_service, "the endpoint")
    answer = stack.cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="application/json", Body=json.dumps({"distance_km": 4.0})
    )
    predicted: dict[str, Any] = json.loads(answer["Body"].read())
    return predicted


def test_a_model_is_trained_served_and_replaced(lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = lambda_stack
    monkeypatch.setenv("COMAL_IMAGE_URI", IMAGE_URI)
    stack.stepfunctions.create_state_machine(
        name=stack.names.of_model(stack.model), definition=json.dumps(HOLDS), roleArn=stack.role_arn
    )
    _push(stack, "b1")
    first = _run(stack, "week 1")
    assert (first["version"], first["approval"]) == (1, "Approved"), first["why"]
    predicted = _predict(stack)
    assert predicted["model_version"] == "1"
    assert predicted["predictions"][0]["prediction"] == pytest.approx(17, abs=2)
    _push(stack, "b-two", rows=2000)
    second = _run(stack, "week 2")
    assert second["version"] == 2
    assert "champion (version 1) has" in second["why"]
    assert _predict(stack)["model_version"] in {"1", "2"}
    stack.sagemaker.delete_endpoint(EndpointName=stack.names.of_model(stack.model))
