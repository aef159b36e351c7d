"""Refuses to start on a MiniStack other than the one the patches were written and tested for."""

import importlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.errors import SubstrateError

VERSION = "1.5.33"
_NEXT_STEP = "Install the pinned packages again: make setup"


def check_version(found: str | None = None) -> None:
    """Raises `SubstrateError` unless the installed MiniStack is the pinned one."""
    found = importlib.metadata.version("ministack") if found is None else found
    if found != VERSION:
        raise SubstrateError(f"MiniStack {VERSION} is expected, {found} is installed.", _NEXT_STEP)


def check_names(names: Mapping[str, Sequence[str]]) -> None:
    """Raises `SubstrateError` unless each module has each of its (dotted) names.

    Args:
        names: Module path to the private names a patch reads or replaces.
    """
    for module_name, attributes in names.items():
        module = importlib.import_module(module_name)
        for attribute in attributes:
            owner: Any = module
            for part in attribute.split("."):
                if not hasattr(owner, part):
                    raise SubstrateError(f"{module_name} has no {attribute}, which a patch needs.", _NEXT_STEP)
                owner = getattr(owner, part)
