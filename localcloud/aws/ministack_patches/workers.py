"""Lambda workers: a layer shared by all of them, a clean environment, and none of the emulator's packages.

MiniStack's own worker unpacks each layer anew, inherits the server's environment and site-packages (which hides a
missing dependency until the function runs on AWS), and waits 50 ms for log lines after each call that prints none.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localcloud.aws.ministack_patches.function_environment import (
    files_of_distribution,
    function_variables,
    worker_environment,
)
from localcloud.aws.ministack_patches.layers import LayerStore
from localcloud.errors import SubstrateError

NAMES = {
    "ministack.core.lambda_runtime": (
        "_PYTHON_WORKER_SCRIPT",
        "_lock",
        "_worker_class_for",
        "_workers",
        "Worker._drain_stderr_bounded",
        "Worker._read_stderr",
        "Worker._spawn",
        "kill_workers",
        "reset",
    ),
    "ministack.services.lambda_svc": (
        "_LAMBDA_STATE_TRANSITION_DELAY",
        "_execute_function_warm",
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
# A function ends with the cloud, however that ends: the other end of the pipe is nobody's then.
_ENDS_WITH_THE_CLOUD = """\
import os, sys, threading
threading.Thread(target=lambda: (os.read(int(sys.argv[1]), 1), os._exit(1)), daemon=True).start()
"""
_INVOCATION_END = "        _real_stdout.flush()\n\nrun()"
_INVOCATION_ERROR = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_INVOCATION_ERROR_WITH_TYPE = _INVOCATION_ERROR.replace("{", '{"type": type(e).__name__, ', 1)

# Name of the exception that ended the call which this thread is running.
_error_type: ContextVar[str] = ContextVar("localcloud_function_error", default="")


class Runtime:
    """What every worker shares: the layers, and the packages that AWS's runtime has built in."""

    def __init__(self, layers: LayerStore, packages: Path) -> None:
        """Links the built-in packages into the directory `packages`."""
        self.layers = layers
        self.packages = packages
        self.script = _ENDS_WITH_THE_CLOUD + _worker_script()
        # The write end is kept open by this process alone, and for as long as it lives.
        self.cloud_is_over, self._cloud_is_alive = os.pipe()
        shutil.rmtree(packages, ignore_errors=True)
        packages.mkdir(parents=True)
        for path in files_of_distribution(_RUNTIME_DISTRIBUTION):
            (packages / path.name).symlink_to(path)


def _worker_script() -> str:
    """The worker's program, made to mark the end of each call's log lines and to name the type of an error."""
    mark = f"        sys.stderr.write({_END_OF_LOG!r} + chr(10)); sys.stderr.flush()\n"
    script: str = lambda_runtime._PYTHON_WORKER_SCRIPT
    replacements = {_INVOCATION_END: mark + _INVOCATION_END, _INVOCATION_ERROR: _INVOCATION_ERROR_WITH_TYPE}
    for old, new in replacements.items():
        if script.count(old) != 1:
            raise SubstrateError(f"MiniStack's worker program is not as expected: {old!r}.", "make setup")
        script = script.replace(old, new)
    return script


def install(runtime: Runtime) -> None:
    """Makes Python functions run in our worker, and drops every worker after `IDLE_TIMEOUT_S` idle seconds."""
    remove_abandoned_directories(Path(tempfile.gettempdir()))
    worker_class = _make_worker_class(runtime)
    original: Callable[[dict[str, Any]], Any] = lambda_runtime._worker_class_for

    def worker_class_for(config: dict[str, Any]) -> Any:
        return worker_class if config.get("Runtime", "").startswith("python") else original(config)

    lambda_runtime._worker_class_for = worker_class_for
    lambda_svc.reap_idle_workers = reap_idle_workers
    lambda_svc._execute_function_warm = _with_error_type(lambda_svc._execute_function_warm)
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
            script.write_text(runtime.script)
            code = directory / "code"
            with zipfile.ZipFile(BytesIO(self.code_zip)) as archive:
                archive.extractall(code)
            (directory / "tmp").mkdir()
            variables = function_variables(self.config)
            # -S: without the site-packages of the interpreter's own environment.
            self._proc: Any = subprocess.Popen(
                [sys.executable, "-S", str(script), str(runtime.cloud_is_over)],
                cwd=code,
                pass_fds=[runtime.cloud_is_over],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                bufsize=1,
                env=worker_environment(self.config, variables, directory, runtime.packages, runtime.layers),
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

        def invoke(self, *arguments: Any, **options: Any) -> Any:
            result = super().invoke(*arguments, **options)
            _error_type.set(result.get("type", ""))
            return result

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


def _with_error_type(original: Callable[..., Any]) -> Callable[..., Any]:
    """`errorType` is the exception's name, as on AWS; MiniStack says Runtime.HandlerError to all."""

    def execute(*arguments: Any) -> Any:
        _error_type.set("")
        result = original(*arguments)
        if result.get("error") and _error_type.get():
            result["body"]["errorType"] = _error_type.get()
        return result

    return execute


def _parse_answer(line: str) -> dict[str, Any] | None:
    """A line of the worker's protocol; None for what a module printed while it was imported."""
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "status" in answer else None
