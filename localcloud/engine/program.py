"""Runs the user's program in this process, with our monitor in place of the Pulumi engine."""

import asyncio
import contextvars
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pulumi.runtime as runtime

from localcloud.engine.errors import EngineError
from localcloud.engine.monitor import Monitor
from localcloud.engine.project import Project
from localcloud.errors import LocalCloudError

# Most of a registration is waiting for an answer over HTTP.
_THREADS = 64
_PARALLEL = 16


def run_program(project: Project, monitor: Monitor, *, planned: bool) -> None:
    """Evaluate the program; each resource that it registers reaches the monitor.

    Raises:
        EngineError: The program raised; the message shows the program's own frames.
        Exception: The program's own error, where that says itself what to do (`message`, `next_step`).
    """
    contextvars.copy_context().run(_run, project, monitor, planned)


def _run(project: Project, monitor: Monitor, planned: bool) -> None:
    runtime.set_all_config(project.config, [])
    runtime.configure(
        runtime.Settings(
            project=project.name,
            stack=project.stack,
            monitor=monitor,
            engine=monitor,
            parallel=_PARALLEL,
            dry_run=planned,
            organization="organization",
            root_directory=str(project.root),
        )
    )
    runtime.settings.ROOT.set(None)
    loop = asyncio.new_event_loop()
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="engine")
    loop.set_default_executor(executor)
    # The SDK leaves failed tasks behind when a registration fails; the failure itself is reported by us.
    loop.set_exception_handler(lambda _loop, _context: None)
    with _in_directory(project):
        try:
            loop.run_until_complete(runtime.run_in_stack(lambda: _evaluate(project)))
        except LocalCloudError:
            raise
        except Exception as error:
            explained = _explained(error, project)
            if explained is error:
                raise
            raise explained from error
        finally:
            # What is under way is finished and written down, also after Ctrl-C.
            executor.shutdown(wait=True)
            loop.close()
            asyncio.set_event_loop(None)


def _evaluate(project: Project) -> None:
    runpy.run_path(str(project.program), run_name="__main__")


@contextmanager
def _in_directory(project: Project) -> Iterator[None]:
    """Relative paths of a program start where it lies, and it may import what lies beside it."""
    before, path = os.getcwd(), list(sys.path)  # noqa: PTH109  # the pair of chdir
    os.chdir(project.directory)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path


def _explained(error: Exception, project: Project) -> Exception:
    """The program's failure, with the frames of the program and without ours."""
    for cause in _causes(error):
        if isinstance(cause, LocalCloudError):
            return cause
    if hasattr(error, "message") and hasattr(error, "next_step"):
        return error
    root = str(project.root)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(root) and "site-packages" not in frame.filename
    ]
    where = "".join(traceback.format_list(frames))
    said = "".join(traceback.format_exception_only(error)).strip()
    return EngineError(f"The program failed: {said}\n{where}".rstrip(), "Correct the program.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it; the SDK's chains may run in circles."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
