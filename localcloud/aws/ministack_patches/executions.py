"""Step Functions executions: each one ends, with an event, also at its timeout and after a kill -9.

MiniStack has no timeout of a whole execution, lets the last task of a stopped execution overwrite how it ended, and
marks what a killed process left running as failed without telling anybody.
"""

import json
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from ministack.core import responses
from ministack.services import stepfunctions

from localcloud.aws.ministack_patches import roles

NAMES = {
    "ministack.core.responses": ("now_iso",),
    "ministack.services.stepfunctions": (
        "_add_event",
        "_emit_execution_status_event",
        "_executions",
        "_fail_execution",
        "_run_execution",
        "_state_machines",
        "load_persisted_state",
    ),
}

_ACTIVE_JOB = "localcloudActiveJob"

logger = logging.getLogger("localcloud.executions")

Document = dict[str, Any]

_interrupted: list[tuple[str, Document]] = []


def install() -> None:
    """Wraps how executions run, fail, and come back from disk."""
    stepfunctions._run_execution = _with_timeout(stepfunctions._run_execution)
    stepfunctions._fail_execution = _fail_only_running(stepfunctions._fail_execution)
    stepfunctions.load_persisted_state = _remember_interrupted(stepfunctions.load_persisted_state)


def announce_interrupted() -> None:
    """Publishes the end of the executions that the last process left running, and stops their jobs.

    Their state was loaded before the rules were there, so this comes once everything is loaded.
    """
    for arn, execution in _interrupted:
        region, account = arn.split(":")[3:5]
        with responses.request_scope(account, region):
            stepfunctions._emit_execution_status_event(execution)
            threading.Thread(target=copy_context().run, args=(_stop_left_job, execution), daemon=True).start()
    _interrupted.clear()


def assume_role_of(execution: Document) -> roles.RoleSession:
    """A session of the role of the execution's state machine."""
    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    return roles.assume(machine["roleArn"], execution["name"])


def note_active_job(execution: Document, stop_operation: str, job: Document) -> None:
    """Writes into the execution which job it waits for, so that the job is stopped after a kill -9."""
    execution[_ACTIVE_JOB] = {"stop": stop_operation, "job": job}


def forget_active_job(execution: Document) -> None:
    """The job has ended, or has been stopped."""
    execution.pop(_ACTIVE_JOB, None)


def _with_timeout(original: Callable[[str], None]) -> Callable[[str], None]:
    def run_execution(execution_arn: str) -> None:
        execution = stepfunctions._executions[execution_arn]
        timeout_s = _read_timeout(execution)
        if timeout_s is None:
            original(execution_arn)
            return
        timer = threading.Timer(timeout_s, copy_context().run, (_time_out, execution, timeout_s))
        timer.daemon = True
        timer.start()
        try:
            original(execution_arn)
        finally:
            timer.cancel()

    return run_execution


def _read_timeout(execution: Document) -> float | None:
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    try:
        definition = json.loads(machine["definition"]) if machine else {}
    except ValueError:
        return None  # the run itself reports what is wrong with it
    return definition.get("TimeoutSeconds")


def _time_out(execution: Document, timeout_s: float) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["stopDate"] = responses.now_iso()
    execution["error"] = "States.Timeout"
    execution["cause"] = f"The execution did not end within {timeout_s} seconds"
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def _fail_only_running(original: Callable[..., None]) -> Callable[..., None]:
    """An execution that was stopped stays as it ended, whatever its last task says afterwards."""

    def fail_execution(execution: Document, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    return fail_execution


def _remember_interrupted(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def load_persisted_state(data: Any) -> None:
        running = [key for key, execution in data["executions"].all_items() if execution["status"] == "RUNNING"]
        original(data)
        _interrupted.extend((key[-1], stepfunctions._executions._data[key]) for key in running)

    return load_persisted_state


def _stop_left_job(execution: Document) -> None:
    left = execution.pop(_ACTIVE_JOB, None)
    if left is None:
        return
    session = assume_role_of(execution)
    try:
        roles.call(session, "sagemaker", f"SageMaker.{left['stop']}", responses.get_region(), left["job"])
    except (roles.AwsCallError, OSError) as error:
        # It may have ended meanwhile; else it ends by itself.
        logger.info("%s of %s: %s", left["stop"], left["job"], error)
