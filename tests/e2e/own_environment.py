"""An environment beside the kit's, for tools that pin what the kit pins otherwise."""

import shutil
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def own_environment(folder: Path, requirement: str) -> Iterator[Path]:
    """The folder of its commands, while it stands; skips where the requirement cannot be installed."""
    try:
        venv.create(folder, with_pip=True)
        installed = subprocess.run(
            [folder / "bin/python", "-m", "pip", "install", "--quiet", requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        if installed.returncode:
            pytest.skip(f"{requirement} cannot be installed here: {installed.stderr[-300:]}")
        yield folder / "bin"
    finally:
        shutil.rmtree(folder)
