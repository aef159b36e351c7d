"""Packages that serving does without, hidden from the packages that would import them where they are installed."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _Hidden(MetaPathFinder):
    """Looked at before every other finder; what is hidden cannot be imported.

    None in sys.modules would say the same to Python, but not to Cython: pyarrow takes the None for pandas.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:  # noqa: ARG002
        if name.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"{name} is not used by serving", name=name)


def hide(*packages: str) -> None:
    """Make packages absent from this process, as far as they are not imported yet."""
    sys.meta_path.insert(0, _Hidden(packages))


def reveal() -> None:
    """Let everything be imported again: a team's own code may use whatever is installed."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Hidden)]
