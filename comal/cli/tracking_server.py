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
from comal.errors import PlatformError

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


def refuse_stranger(repository: Repository) -> None:
    """Look who listens where the stack `local` names its server: runs are not written into somebody else's.

    Raises:
        PlatformError: A process that this clone's local cloud has not started.
    """
    port = _port(repository)
    if port is None or _is_own(repository, port):
        return
    from localcloud.processes import find_listener, is_listening

    if is_listening(port):
        owner = find_listener(port)
        who = f"process {owner.pid} ({owner.command})" if owner else "a process of another user"
        raise PlatformError(
            f"Port {port}, where this clone keeps its MLflow, is taken by {who}, which is none of its own.",
            next_step=f"End it, or give {URI_SETTING} in stacks/Pulumi.local.yaml another port and run: comal up. "
            f"To write runs there on purpose, name it http://localhost:{port}.",
        )


def ensure(repository: Repository) -> None:
    """Start the server that the stack `local` names on this machine, unless it runs.

    It ends with the local cloud. Without it runs are trained all the same, so what is in its way is a warning.

    Raises:
        PlatformError: Somebody else has its port.
    """
    refuse_stranger(repository)
    port = _port(repository)
    if port is None or _is_own(repository, port):
        return
    uri = f"http://{LOOPBACK}:{port}"
    program = repository.state_dir / "mlflow/bin/mlflow"
    if not program.exists():
        warn(f"Runs are not written to MLflow: it is not installed. Run: {INSTALL}")
        return
    process = _spawn(repository, program, port)
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while not (answers(uri) and _is_own(repository, port)):
        if process.poll() is not None or time.monotonic() > deadline:
            refuse_stranger(repository)  # it may have come meanwhile
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


def _port(repository: Repository) -> int | None:
    """Of the server that the stack `local` names on this machine; None where it names none."""
    address = urlsplit(uri_of(repository.stack_config(LOCAL)) if LOCAL in repository.stacks else "")
    return address.port if address.hostname == LOOPBACK else None


def _is_own(repository: Repository, port: int) -> bool:
    """Whether a process of this clone's local cloud listens there."""
    from localcloud.processes import find_family, find_listener

    return find_listener(port) in find_family(None, repository.local_dir.resolve())


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
                *("--host", LOOPBACK, "--port", str(port), "--workers", "1"),
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
