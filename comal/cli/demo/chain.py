"""The simulated taco chain, as the demo needs it: files to push and orders to ask about."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comal.cli.repository import Repository

MODEL = "tacos"


@dataclass(frozen=True)
class TacoChain:
    """Files of examples/tacos, made anew under .comal/demo/."""

    repository: Repository

    def week(self, number: int) -> Path:
        """A CSV file with one week of orders."""
        raise NotImplementedError

    def poisoned(self) -> Path:
        """A CSV file that breaks the recipe."""
        raise NotImplementedError

    def orders(self, count: int) -> list[dict[str, Any]]:
        """Orders without their outcome, as the endpoint takes them."""
        raise NotImplementedError
