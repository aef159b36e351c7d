"""Step Functions tasks: SageMaker jobs among them, and each made by the role of its state machine."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any

from ministack.core import responses
from ministack.services import stepfunctions

from localcloud.aws.ministack_patches import event_bus, roles
from localcloud.aws.ministack_patches.executions import assume_role_of, forget_active_job, note_active_job

NAMES = {
    "ministack.services.stepfunctions": (
        "_ExecutionError",
        "_SERVICE_DISPATCH",
        "_execute_task",
        "_invoke_resource",
        "_invoke_resource_with_timeout",
    ),
}

POLL_INTERVAL_S = 0.5
SAGEMAKER_PREFIX = "arn:aws:states:::sagemaker:"

logger = logging.getLogger("localcloud.step_functions")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of SageMaker job that a task can start; names as in SageMaker's API."""

    create: str
    describe: str
    stop: str
    name_field: str
    status_field: str


JOB_KINDS = {
    "createTrainingJob": JobKind(
        "CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "TrainingJobName", "TrainingJobStatus"
    ),
    "createHyperParameterTuningJob": JobKind(
        "CreateHyperParameterTuningJob",
        "DescribeHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobStatus",
    ),
}


@dataclass(slots=True)
class Attempt:
    """One try at a task. `abandoned` is set when its state no longer waits for it."""

    execution: Document
    abandoned: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether the job should be stopped, because its execution was, or because its time is up."""
        return self.abandoned.is_set() or self.execution["status"] != "RUNNING"


_attempt: ContextVar[Attempt] = ContextVar("localcloud_task_attempt")


def install() -> None:
    """Adds the SageMaker integrations and wraps the running of tasks."""
    stepfunctions._SERVICE_DISPATCH[SAGEMAKER_PREFIX] = run_sagemaker_task
    stepfunctions._execute_task = _with_attempt(stepfunctions._execute_task)
    stepfunctions._invoke_resource = _as_role(stepfunctions._invoke_resource)
    stepfunctions._invoke_resource_with_timeout = _invoke_with_timeout


def run_sagemaker_task(resource: str, parameters: Document) -> Document:
    """Starts the job and, for `.sync`, waits until it ends.

    See https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html.

    Returns:
        `.sync`: the Describe answer; else the Create answer.
    """
    name, _, pattern = resource.removeprefix(SAGEMAKER_PREFIX).partition(".")
    kind = JOB_KINDS.get(name)
    if kind is None or pattern not in ("", "sync"):
        known = ", ".join(f"{SAGEMAKER_PREFIX}{known}[.sync]" for known in JOB_KINDS)
        raise stepfunctions._ExecutionError("States.Runtime", f"{resource} is not known here. Known: {known}")
    attempt = _attempt.get()
    session = assume_role_of(attempt.execution)
    region = responses.get_region()
    created = _call(session, kind.create, region, parameters)
    if not pattern:
        return _with_sdk_times(created)
    job = {kind.name_field: parameters.get(kind.name_field)}
    note_active_job(attempt.execution, kind.stop, job)
    try:
        return _await_job(kind, job, session, region, attempt)
    finally:
        forget_active_job(attempt.execution)


def _await_job(kind: JobKind, job: Document, session: roles.RoleSession, region: str, attempt: Attempt) -> Document:
    while True:
        if attempt.is_over:
            _call(session, kind.stop, region, job)
            return {}
        try:
            described = _with_sdk_times(_call(session, kind.describe, region, job))
        except OSError as error:  # the edge is shutting down; its next start ends this execution
            logger.debug("%s: %s", kind.describe, error)
            described = {}
        status = described.get(kind.status_field)
        if status == "Completed":
            return described
        if status in ("Failed", "Stopped"):
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described))
        event_bus.wait_for_event(POLL_INTERVAL_S)


def _call(session: roles.RoleSession, operation: str, region: str, document: Document) -> Document:
    try:
        return roles.call(session, "sagemaker", f"SageMaker.{operation}", region, document)
    except roles.AwsCallError as error:
        # AWS names the exceptions that the API model declares, and all others after the service.
        declared = error.code in ("ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound")
        name = f"SageMaker.{error.code}Exception" if declared else "SageMaker.AmazonSageMakerException"
        cause = f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
        raise stepfunctions._ExecutionError(name, cause) from None


def _with_sdk_times(document: Document) -> Document:
    """Epoch seconds of the wire as the epoch milliseconds that a task's output has on AWS."""
    return {key: _with_sdk_time(key, value) for key, value in document.items()}


def _with_sdk_time(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _with_sdk_times(value)
    if isinstance(value, list):
        return [_with_sdk_time(key, item) for item in value]
    is_time = isinstance(value, int | float) and key.endswith(("Time", "Timestamp"))
    return round(value * 1000) if is_time else value


def _with_attempt(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute_task(state: Document, raw_input: Any, execution: Document, context: Document) -> Any:
        token = _attempt.set(Attempt(execution))
        try:
            return original(state, raw_input, execution, context)
        finally:
            _attempt.reset(token)

    return execute_task


def _invoke_with_timeout(resource: str, parameters: Any, timeout_s: float) -> Any:
    """As MiniStack's, but a task whose time is up is told so, and stops the job it waits for."""
    attempt = Attempt(_attempt.get().execution)
    context = copy_context()
    context.run(_attempt.set, attempt)
    pool = ThreadPoolExecutor(max_workers=1)
    future = pool.submit(context.run, stepfunctions._invoke_resource, resource, parameters)
    pool.shutdown(wait=False)
    try:
        return future.result(timeout=timeout_s)
    except TimeoutError:
        attempt.abandoned.set()
        message = f"Task timed out after {timeout_s} seconds"
        raise stepfunctions._ExecutionError("States.Timeout", message) from None


def _as_role(original: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses a task whose call the state machine's role may not make; the call itself stays MiniStack's."""

    def invoke_resource(resource: str, parameters: Any) -> Any:
        needed = _needed_permission(resource, parameters)
        if needed:
            action, resource_arn, error_name = needed
            session = assume_role_of(_attempt.get().execution)
            refusal = roles.denial(session, action, resource_arn, responses.get_region())
            if refusal:
                raise stepfunctions._ExecutionError(error_name, refusal)
        return original(resource, parameters)

    return invoke_resource


def _needed_permission(resource: str, parameters: Any) -> tuple[str, str, str] | None:
    """IAM action, ARN and error name of a refusal, of the integrations that MiniStack calls in process."""
    prefix = f"{responses.get_region()}:{responses.get_account_id()}"
    if resource.startswith("arn:aws:lambda:"):
        return "lambda:InvokeFunction", resource, "Lambda.AWSLambdaException"
    integration = resource.removeprefix("arn:aws:states:::").partition(".")[0]
    if integration == "lambda:invoke":
        function = parameters.get("FunctionName", "")
        arn = function if function.startswith("arn:") else f"arn:aws:lambda:{prefix}:function:{function}"
        return "lambda:InvokeFunction", arn, "Lambda.AWSLambdaException"
    if integration == "sqs:sendMessage":
        queue = parameters.get("QueueUrl", "").rsplit("/", 1)[-1]
        return "sqs:SendMessage", f"arn:aws:sqs:{prefix}:{queue}", "SQS.AmazonSQSException"
    if integration == "sns:publish":
        return "sns:Publish", parameters.get("TopicArn", "*"), "SNS.AmazonSNSException"
    if integration == "events:putEvents":
        bus = (parameters.get("Entries") or [{}])[0].get("EventBusName", "default")
        arn = bus if bus.startswith("arn:") else f"arn:aws:events:{prefix}:event-bus/{bus}"
        return "events:PutEvents", arn, "EventBridge.EventBridgeException"
    if integration.startswith("dynamodb:"):
        operation = integration.removeprefix("dynamodb:")
        table = parameters.get("TableName", "")
        action = f"dynamodb:{operation[:1].upper()}{operation[1:]}"
        return action, f"arn:aws:dynamodb:{prefix}:table/{table}", "DynamoDB.AmazonDynamoDBException"
    return None
