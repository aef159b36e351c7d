"""The local engine's operations on one stack: preview, up, refresh, destroy, outputs."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcloud.engine.aws import Aws
from localcloud.engine.deployment import Deployment
from localcloud.engine.project import Project, load_project
from localcloud.engine.removal import Removal
from localcloud.engine.state import StateFile
from localcloud.engine.steps import OnStep, Summary
from localcloud.errors import LocalCloudError

_READERS = 8


class Engine:
    """One stack of one project."""

    def __init__(
        self,
        project_dir: Path,
        stack: str,
        state_file: Path,
        endpoint_url: str,
        on_step: OnStep = lambda _step: None,
    ) -> None:
        """Takes a stack and where it is kept.

        Args:
            project_dir: Folder of Pulumi.yaml.
            stack: Name of the stack.
            state_file: Where the state lies; its folder is made.
            endpoint_url: Where the local cloud listens; replaces every endpoint of the stack file.
            on_step: Told of each resource that is touched.
        """
        self._project_dir = project_dir
        self._stack = stack
        self._file = StateFile(state_file)
        self._archives = state_file.parent / "archives"
        self._endpoint_url = endpoint_url
        self._on_step = on_step

    def preview(self) -> Summary:
        """What `up` would do; asks AWS for nothing but the caller's identity."""
        return self._run_program(planned=True)

    def up(self) -> Summary:
        """Make the stack what the program says."""
        return self._run_program(planned=False)

    def refresh(self) -> Summary:
        """Make the state say what exists; the next `up` makes what is gone or was changed by others."""

        def work(deployment: Deployment) -> None:
            records = [record for record in deployment.state.resources.values() if record.is_managed]
            with ThreadPoolExecutor(_READERS) as executor:
                list(executor.map(deployment.refresh, records))

        return self._operate(work, self._project(), planned=False)

    def destroy(self) -> Summary:
        """Delete everything that the state knows of, finished or begun."""

        def work(deployment: Deployment) -> None:
            Removal(deployment).remove_all_but(set())
            deployment.set_outputs({})

        return self._operate(work, self._project(), planned=False)

    def outputs(self) -> dict[str, Any]:
        """What the stack exported at its last `up`; secrets are masked."""
        return self._file.load().outputs

    def _project(self) -> Project:
        return load_project(self._project_dir, self._stack)

    def _run_program(self, *, planned: bool) -> Summary:
        project = self._project()

        def work(deployment: Deployment) -> None:
            # The SDK takes most of a second to import; reading outputs does without it.
            from localcloud.engine.archives import Archives
            from localcloud.engine.monitor import Monitor
            from localcloud.engine.program import run_program

            monitor = Monitor(project, deployment, Archives(project.directory, self._archives))
            run_program(project, monitor, planned=planned)
            Removal(deployment).remove_all_but(monitor.seen)
            deployment.set_outputs(monitor.outputs)

        return self._operate(work, project, planned=planned)

    def _operate(self, work: Callable[[Deployment], None], project: Project, *, planned: bool) -> Summary:
        begin = time.monotonic()

        def make_aws(provider_inputs: Mapping[str, Any]) -> Aws:
            config = {key.removeprefix("aws:"): value for key, value in project.config.items() if key[:4] == "aws:"}
            return Aws({**config, **provider_inputs}, self._endpoint_url)

        with self._file.lock(), _terminate_like_ctrl_c():
            deployment = Deployment(self._file, make_aws, self._on_step, planned=planned)
            try:
                work(deployment)
            except LocalCloudError as error:
                if not deployment.failures:
                    deployment.failures.append(str(error))
        return Summary(
            dict(deployment.counts),
            time.monotonic() - begin,
            deployment.failures,
            {} if deployment.failures else deployment.state.outputs,
        )


@contextmanager
def _terminate_like_ctrl_c() -> Iterator[None]:
    """SIGTERM ends an operation as Ctrl-C does: what is under way is finished and written down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
