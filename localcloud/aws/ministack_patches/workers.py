"""Lambda workers: a layer shared by all of them, a clean environment, and none of the emulator's packages.

MiniStack's own worker unpacks each layer anew, inherits the server's environment and site-packages (which hides a
missing dependency until the function runs on AWS), and waits 50 ms for log lines after each call that prints none.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.arn import parse_arn
from ministack.services import lambda_svc

from localcloud.aws.ministack_patches.layers import LayerStore, find_digest
from localcloud.processes import STATE_DIR_VARIABLE

NAMES = {
    "ministack.core.lambda_runtime": (
        "_PYTHON_WORKER_SCRIPT",
        "_RESERVED_RUNTIME_ENV_VARS",
        "_account_region_from_function_config",
        "_lock",
        "_worker_class_for",
        "_workers",
        "Worker._drain_stderr_bounded",
        "Worker._read_stderr",
        "Worker._spawn",
        "execution_credentials",
        "kill_workers",
        "reset",
    ),
    "ministack.services.lambda_svc": (
        "_LAMBDA_STATE_TRANSITION_DELAY",
        "_lambda_layer_version_name_and_number_from_arn_spec",
        "reap_idle_workers",
    ),
}

IDLE_TIMEOUT_S = 300.0
# How long after CreateFunction a function is Active; MiniStack's half second only slows `up`.
STATE_TRANSITION_S = 0.02
# What AWS's Python runtimes bring along besides the standard library.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
_RUNTIME_DISTRIBUTION = "boto3"
_DIRECTORY_PREFIX = "ministack-lambda-"
# Written by the worker after each call's log lines, so that reading them needs no waiting.
_END_OF_LOG = "\x00end of log"
_LOG_TIMEOUT_S = 0.25
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_INVOCATION_END = "        _real_stdout.flush()\n\nrun()"


class Runtime:
    """What every worker shares: the layers, and the packages that AWS's runtime has built in."""

    def __init__(self, layers: LayerStore, packages: Path) -> None:
        """Links the built-in packages into the directory `packages`."""
        self.layers = layers
        self.packages = packages
        shutil.rmtree(packages, ignore_errors=True)
        packages.mkdir(parents=True)
        for path in _files_of_distribution(_RUNTIME_DISTRIBUTION):
            (packages / path.name).symlink_to(path)

    def script(self) -> str:
        """The worker's program, made to mark the end of each call's log lines."""
        mark = f"        sys.stderr.write({_END_OF_LOG!r} + chr(10)); sys.stderr.flush()\n"
        original: str = lambda_runtime._PYTHON_WORKER_SCRIPT
        return original.replace(_INVOCATION_END, mark + _INVOCATION_END)


def install(runtime: Runtime) -> None:
    """Makes Python functions run in our worker, and drops every worker after `IDLE_TIMEOUT_S` idle seconds."""
    remove_abandoned_directories(Path(tempfile.gettempdir()))
    worker_class = _make_worker_class(runtime)
    original: Callable[[dict[str, Any]], Any] = lambda_runtime._worker_class_for

    def worker_class_for(config: dict[str, Any]) -> Any:
        return worker_class if config.get("Runtime", "").startswith("python") else original(config)

    lambda_runtime._worker_class_for = worker_class_for
    lambda_svc.reap_idle_workers = reap_idle_workers
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = STATE_TRANSITION_S


def stop_workers() -> None:
    """Ends every worker and removes its directory."""
    lambda_runtime.reset()


def remove_abandoned_directories(directory: Path) -> None:
    """Removes what the workers of a killed edge left behind."""
    for path in directory.glob(f"{_DIRECTORY_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def reap_idle_workers(idle_timeout_s: float = IDLE_TIMEOUT_S) -> int:
    """Ends every worker that is idle for longer, the last one of a function too; returns how many."""
    now = time.time()
    ended = []
    with lambda_runtime._lock:
        for key, pool in list(lambda_runtime._workers.items()):
            idle = [w for w in pool if not w.in_use and now - w.last_used >= idle_timeout_s]
            ended += idle
            lambda_runtime._workers[key] = [w for w in pool if w not in idle]
    lambda_runtime.kill_workers(ended)
    return len(ended)


def _make_worker_class(runtime: Runtime) -> type:
    class SharedLayerWorker(lambda_runtime.Worker):  # type: ignore[misc]  # MiniStack has no types
        """A warm Python process for one function."""

        def _spawn(self) -> None:
            self._discard_tmpdir()
            directory = Path(tempfile.mkdtemp(prefix=f"{_DIRECTORY_PREFIX}{self.func_name}-"))
            self._tmpdir = str(directory)
            script = directory / "_worker.py"
            script.write_text(runtime.script())
            code = directory / "code"
            with zipfile.ZipFile(BytesIO(self.code_zip)) as archive:
                archive.extractall(code)
            (directory / "tmp").mkdir()
            variables = _function_variables(self.config)
            # -S: without the site-packages of the interpreter's own environment.
            self._proc: Any = subprocess.Popen(
                [sys.executable, "-S", str(script)],
                cwd=code,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                bufsize=1,
                env=_worker_environment(self.config, variables, directory, runtime),
            )
            self._stderr_queue = lambda_runtime.queue.Queue()
            self._stderr_thread = threading.Thread(target=self._read_stderr, daemon=True)
            self._stderr_thread.start()
            self._initialise(code, variables)

        def _initialise(self, code: Path, variables: dict[str, str]) -> None:
            module, _, handler = self.config.get("Handler", "index.handler").rpartition(".")
            first_line = {
                "code_dir": str(code),
                "module": module.replace("/", "."),
                "handler": handler,
                "env": variables,
                "function_name": self.config.get("FunctionName", ""),
                "memory": self.config.get("MemorySize", 128),
                "arn": self.config.get("FunctionArn", ""),
            }
            self._proc.stdin.write(json.dumps(first_line) + "\n")
            self._proc.stdin.flush()
            for line in self._proc.stdout:
                answer = _parse_answer(line)
                if answer and answer.get("status") == "ready":
                    self._start_time = time.time()
                    return
                if answer:
                    raise RuntimeError(f"Runtime.ImportModuleError: {answer.get('error')}")
            self._proc.wait()
            raise RuntimeError(f"The function's process ended while it was imported: {self._drain_stderr_bounded()}")

        def _drain_stderr_bounded(self, *_: Any, **__: Any) -> str:
            lines = []
            deadline = time.monotonic() + _LOG_TIMEOUT_S
            while time.monotonic() < deadline:
                try:
                    line = self._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))
                except lambda_runtime.queue.Empty:
                    break
                if line.endswith(_END_OF_LOG):
                    lines += [line.removesuffix(_END_OF_LOG)] if line != _END_OF_LOG else []
                    break
                lines.append(line)
            return "\n".join(lines)

    return SharedLayerWorker


def _parse_answer(line: str) -> dict[str, Any] | None:
    """A line of the worker's protocol; None for what a module printed while it was imported."""
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "status" in answer else None


def _function_variables(config: dict[str, Any]) -> dict[str, str]:
    variables = config.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if name not in lambda_runtime._RESERVED_RUNTIME_ENV_VARS}


def _worker_environment(
    config: dict[str, Any], variables: dict[str, str], directory: Path, runtime: Runtime
) -> dict[str, str]:
    """AWS's variables of a function, see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""
    _, region = lambda_runtime._account_region_from_function_config(config)
    name = config.get("FunctionName", "")
    kept = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    return {
        **kept,
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', '')}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": directory.name,
        "HOME": str(directory),
        "LAMBDA_TASK_ROOT": str(directory / "code"),
        "PYTHONPATH": str(runtime.packages),
        STATE_DIR_VARIABLE: os.environ[STATE_DIR_VARIABLE],
        "TMPDIR": str(directory / "tmp"),
        **variables,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        **lambda_runtime.execution_credentials(config),
        "_LAMBDA_FUNCTION_ARN": config.get("FunctionArn", ""),
        "_LAMBDA_LAYERS_DIRS": os.pathsep.join(_layer_trees(config, runtime.layers)),
        "_LAMBDA_TIMEOUT": str(config.get("Timeout", 3)),
    }


def _layer_trees(config: dict[str, Any], layers: LayerStore) -> list[str]:
    trees = []
    for attached in config.get("Layers") or []:
        arn = parse_arn(attached if isinstance(attached, str) else attached["Arn"])
        name, version = lambda_svc._lambda_layer_version_name_and_number_from_arn_spec(arn)
        digest = find_digest(name, version, arn.account_id, arn.region)
        if digest:
            trees.append(str(layers.tree(digest)))
    return trees


def _files_of_distribution(name: str) -> set[Path]:
    """Top-level packages and modules of an installed distribution and of all it requires."""
    found: set[Path] = set()
    wanted, seen = [name], set()
    while wanted:
        distribution = importlib.metadata.distribution(wanted.pop())
        if distribution.name in seen:
            continue
        seen.add(distribution.name)
        requirements = [line for line in distribution.requires or [] if "extra ==" not in line]
        wanted += [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in requirements]
        for file in distribution.files or []:
            if file.suffix == ".py" and file.parts[0] not in ("..", "__pycache__"):
                found.add(Path(str(distribution.locate_file(file.parts[0]))))
    return found
