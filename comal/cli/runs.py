"""Training runs as Step Functions and SageMaker know them, each with its reason for failing in one line."""

from typing import Any

from comal.absence import describe_or_none
from comal.cli.target import Target
from comal.execution_failure import execution_failure
from comal.one_line import one_line

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
_FAILURE_LENGTH = 300


def last_run(target: Target, model: str) -> dict[str, Any] | None:
    """The run that started last, or None before the first.

    Returns:
        run_id, training_job (of several that search side by side the best so far, or the first), log_streams (what the
        names of its jobs' log streams begin with), status (of the execution: RUNNING, SUCCEEDED, FAILED, TIMED_OUT,
        ABORTED), step (training, registering or done), started_at, ended_at, failure (one line, or None).
    """
    states = target.client("stepfunctions")
    try:
        executions = states.list_executions(stateMachineArn=target.names.state_machine_arn(model))["executions"]
    except states.exceptions.StateMachineDoesNotExist:
        return None
    if not executions:
        return None
    return _run(target, model, max(executions, key=lambda execution: execution["startDate"]))


def run_of(target: Target, model: str, run_id: str) -> dict[str, Any] | None:
    """One run, as `last_run` shows it, or None when its execution has not started."""
    states = target.client("stepfunctions")
    name = target.names.training_job(model, run_id)
    try:
        arn = target.names.arn("states", f"execution:{target.names.of_model(model)}:{name}")
        return _run(target, model, states.describe_execution(executionArn=arn))
    except states.exceptions.ExecutionDoesNotExist:
        return None


def _run(target: Target, model: str, execution: dict[str, Any]) -> dict[str, Any]:
    run_id = execution["name"].removeprefix(target.names.training_job(model, ""))
    status = execution["status"]
    job_name, log_streams = _job(target, execution["name"], run_id)
    job = describe_or_none(target.client("sagemaker").describe_training_job, TrainingJobName=job_name)
    return {
        "run_id": run_id,
        "training_job": job_name,
        "log_streams": log_streams,
        "status": status,
        "step": _step(status, job),
        "started_at": execution["startDate"],
        "ended_at": execution.get("stopDate"),
        "failure": None if status in {RUNNING, SUCCEEDED} else _failure(target, execution["executionArn"], job),
    }


def _job(target: Target, name: str, run_id: str) -> tuple[str, str]:
    """The run's training job, and what its log streams begin with; they are called <job>/algo-1-…."""
    sagemaker, tuning = target.client("sagemaker"), target.names.tuning_job(run_id)
    described = describe_or_none(sagemaker.describe_hyper_parameter_tuning_job, HyperParameterTuningJobName=tuning)
    if described is None:
        return name, f"{name}/"
    jobs = [described["BestTrainingJob"]] if "BestTrainingJob" in described else []
    if not jobs:
        answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
        jobs = answer["TrainingJobSummaries"]
    return jobs[0]["TrainingJobName"] if jobs else name, f"{tuning}-"


def _step(status: str, job: dict[str, Any] | None) -> str:
    if status != RUNNING:
        return "done"
    return "registering" if job and job["TrainingJobStatus"] == "Completed" else "training"


def _failure(target: Target, execution_arn: str, job: dict[str, Any] | None) -> str:
    """Why a run failed: the job's own reason if it has one, else the reason that Step Functions recorded.

    A stopped job has none: either somebody stopped it, or it was stopped because its run had ended.
    """
    if job and job.get("FailureReason"):
        return one_line(job["FailureReason"], limit=_FAILURE_LENGTH)
    execution = target.client("stepfunctions").describe_execution(executionArn=execution_arn)
    return one_line(execution_failure(execution), limit=_FAILURE_LENGTH) or f"ended as {execution['status']}"
