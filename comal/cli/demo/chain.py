"""The simulated taco chain, as the demo needs it: files to push and orders to ask about."""

import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from comal.cli.repository import Repository
from comal.errors import PlatformError

MODEL = "tacos"
WEEKS = 2
# A store that the recipe does not know: what happens when a chain opens one and nobody tells the data team.
POISON = "unknown_store"


@dataclass(frozen=True)
class TacoChain:
    """Files of examples/tacos, written under .comal/tacos/; the same seed gives the same files."""

    repository: Repository

    @cached_property
    def folder(self) -> Path:
        """The folder with the simulated files.

        Raises:
            PlatformError: The simulator failed.
        """
        folder = self.repository.state_dir / "tacos"
        command = [sys.executable, "-m", "examples.tacos", "--days", str(7 * WEEKS), "--out", str(folder)]
        done = subprocess.run(command, cwd=self.repository.root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PlatformError(
                f"The simulator ended with {done.returncode}: {done.stderr.strip()[-500:]}",
                next_step=f"Try it alone: python -m examples.tacos --out {folder}",
            )
        return folder

    def week(self, number: int) -> Path:
        """A CSV file with one week of orders; the first week is 1."""
        return self.folder / f"week{number}.csv"

    def poisoned(self) -> Path:
        """A CSV file that breaks the recipe."""
        return self.folder / "poisoned" / f"{POISON}.csv"

    def orders(self, count: int) -> list[dict[str, Any]]:
        """The first orders of week 1, features only, as the endpoint takes them."""
        from pyarrow import csv

        from comal.recipe_file import load

        features = load(self.repository.recipes_dir / f"{MODEL}.yaml").features
        table = csv.read_csv(self.week(1)).select(list(features)).slice(0, count)
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows
