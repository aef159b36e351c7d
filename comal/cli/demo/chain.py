"""The simulated taco chain, as the demo needs it: files to push and orders to ask about."""

import csv
import random
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from comal.cli.repository import Repository
from comal.errors import PlatformError

MODEL = "tacos"
_SEED = 7
WEEKS = 3
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

    def week_but_sunday(self, number: int) -> Path:
        """A CSV file with the orders of a week from Monday to Saturday."""
        path = self.folder / f"week{number}-but-sunday.csv"
        with self.week(number).open(newline="") as source, path.open("w", newline="") as sink:
            rows = csv.DictReader(source)
            kept = csv.DictWriter(sink, rows.fieldnames or [])
            kept.writeheader()
            kept.writerows(row for row in rows if row["weekday"] != "sun")
        return path

    def orders(self, file: Path) -> list[dict[str, Any]]:
        """The orders of a file as the endpoint takes them, features only, in an order that no day of the week has."""
        import pyarrow.csv

        from comal.recipe_file import load

        features = load(self.repository.recipes_dir / f"{MODEL}.yaml").features
        rows: list[dict[str, Any]] = pyarrow.csv.read_csv(file).select(list(features)).to_pylist()
        random.Random(_SEED).shuffle(rows)  # noqa: S311  # repeatable, and no secret
        return rows
