"""The Pulumi CLI, which runs every stack but the local one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from comal.cli.repository import Repository
from comal.errors import PlatformError

INSTALL = "Install it as https://www.pulumi.com/docs/iac/download-install/ says, then `pulumi login`."


def find_pulumi() -> Path | None:
    """The `pulumi` executable on the PATH."""
    found = shutil.which("pulumi")
    return Path(found) if found else None


def run_pulumi(repository: Repository, stack: str, *arguments: str) -> int:
    """Run the Pulumi CLI on a stack of the clone, with our own input and output.

    Returns:
        Its exit code.

    Raises:
        UserError: There is no such stack.
        PlatformError: The CLI is not installed.
    """
    repository.stack_config(stack)
    pulumi = find_pulumi()
    if pulumi is None:
        raise PlatformError(
            f"Stack '{stack}' needs the Pulumi CLI, and there is no `pulumi` on the PATH. (Stack 'local' needs none.)",
            next_step=INSTALL,
        )
    command = [str(pulumi), *arguments, "--stack", stack, "--cwd", str(repository.root)]
    # The program's interpreter is the one that runs this command.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    return subprocess.run(command, env=environment, check=False).returncode
