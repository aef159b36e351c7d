"""A warm interpreter per image: it has imported the slow modules, and forks a supervisor for each container.

`python -m localcloud.aws.sagemaker.containers.fork_server SOCKET CWD MODULE…`, by the image's own interpreter: standard
library only. It does no OpenMP work, which would not survive a fork, and ends with its emulator or after five idle
minutes; the containers that it has started run on.
"""

import atexit
import contextlib
import importlib
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import NoReturn

from localcloud.aws.sagemaker.containers.records import Launch
from localcloud.aws.sagemaker.containers.supervisor import supervise

IDLE_S = 300.0
_MAX_PATH_BYTES = 4096


def serve(listener: socket.socket) -> None:
    """Forks a supervisor for each directory that a connection names; answers with its pid."""
    # Supervisors are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        # The emulator holds the other end of our standard input; it closes when the emulator ends, however it ends.
        readable, _, _ = select.select([listener, sys.stdin], [], [], IDLE_S)
        if listener not in readable:
            return
        connection, _ = listener.accept()
        with connection:
            directory = connection.recv(_MAX_PATH_BYTES).decode()
            pid = os.fork()
            if pid == 0:
                listener.close()
                connection.close()
                _become_supervisor(Path(directory))
            connection.sendall(str(pid).encode())


def run_python(launch: Launch, env: dict[str, str]) -> NoReturn:
    """Runs `python -m module …` or `python script …` here, where its imports are done already."""
    os.environ.clear()
    os.environ.update(env)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # both are text files here
    if "numpy" in sys.modules:
        # Its global generator was seeded before the fork, and all forks would draw the same numbers.
        sys.modules["numpy"].random.seed()
    arguments = launch.command[1:]
    paths = [entry for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    code = 0
    try:
        if arguments[0] == "-m":
            sys.path[:0] = [launch.cwd, *paths]
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.path[:0] = [str(Path(arguments[0]).resolve().parent), *paths]
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as ended:
        code = _exit_code(ended)
    except BaseException:  # noqa: BLE001  (as the interpreter itself does)
        traceback.print_exc()
        code = 1
    _finish(code)


def _become_supervisor(directory: Path) -> NoReturn:
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        supervise(directory, run_python)
    finally:
        os._exit(0)


def _exit_code(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _finish(code: int) -> NoReturn:
    """What an interpreter does at its end, without tearing down modules that the parent still has."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main(arguments: list[str]) -> None:
    """Imports the modules, then listens."""
    path, cwd, *modules = arguments
    # In place of the directory of this package: modules are found as the image finds them.
    sys.path[0] = cwd
    for module in modules:
        importlib.import_module(module)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    serve(listener)


if __name__ == "__main__":
    main(sys.argv[1:])
