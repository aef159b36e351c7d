"""MLflow's server on this machine: part of the local cloud where the stack `local` has the component `experiments`."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from comal.cli.console import say, warn
from comal.cli.repository import Repository

COMPONENT = "experiments"
COMPONENTS_SETTING, URI_SETTING = "comal:components", "comal:trackingUri"
LOCAL = "local"
LOOPBACK = "127.0.0.1"
INSTALL = "make experiments"
_READY_TIMEOUT_S = 60.0
_POLL_S = 0.1
_ANSWER_TIMEOUT_S = 1.0
# Of its own the server asks the network, and starts workers for what nobody here uses.
_QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def uri_of(config: dict[str, Any]) -> str:
    """The server that a stack's file names; empty without the component, or where SageMaker's is meant."""
    return str(config.get(URI_SETTING) or "") if COMPONENT in (config.get(COMPONENTS_SETTING) or []) else ""


def ensure(repository: Repository) -> None:
    """Start the server that the stack `local` names on this machine, unless it answers.

    It ends with the local cloud. Without it runs are trained all the same, so what is in its way is a warning.
    """
    uri = uri_of(repository.stack_config(LOCAL)) if LOCAL in repository.stacks else ""
    address = urlsplit(uri)
    if address.hostname != LOOPBACK or address.port is None or answers(uri):
        return
    program = repository.state_dir / "mlflow/bin/mlflow"
    if not program.exists():
        warn(f"Runs are not written to MLflow: it is not installed. Run: {INSTALL}")
        return
    process = _spawn(repository, program, address.port)
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while not answers(uri):
        if process.poll() is not None or time.monotonic() > deadline:
            warn(f"MLflow did not start on {uri}; its log is {_log(repository)}.")
            return
        time.sleep(_POLL_S)
    say(f"MLflow started on {uri} (process {process.pid}).")


def answers(uri: str) -> bool:
    """Whether a server is there."""
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=_ANSWER_TIMEOUT_S):  # noqa: S310  # loopback, by `ensure`
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _spawn(repository: Repository, program: Path, port: int) -> "subprocess.Popen[bytes]":
    from localcloud.processes import STATE_DIR_VARIABLE

    state = repository.local_dir.resolve()
    files = state / "mlflow"
    files.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with _log(repository).open("ab") as log:
        return subprocess.Popen(
            [
                str(program),
                "server",
                *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
                *("--backend-store-uri", f"sqlite:///{files}/runs.db"),
                *("--artifacts-destination", str(files / "artifacts")),
            ],
            cwd=files,
            # By the state directory the local cloud finds it when it is stopped.
            env={**environment, **_QUIET, STATE_DIR_VARIABLE: str(state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _log(repository: Repository) -> Path:
    return repository.local_dir / "mlflow.log"
