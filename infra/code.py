"""Zips of the functions' code: the same sources give the same bytes, on every machine."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.settings import REPOSITORY

CODE_DIRECTORY = REPOSITORY / ".comal/code"
# The earliest time that the format holds; the files' own times would give other bytes for the same code.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


@dataclass(frozen=True)
class FunctionCode:
    """The zip of one function.

    Attributes:
        path: Where the zip lies.
        sha256: Digest of its bytes, base64 as Lambda gives it.
    """

    path: Path
    sha256: str


def handler_of(function: str) -> str:
    """The handler's import path; zips keep the repository's paths."""
    return f"lambdas.{function}.handler.handle"


def sources(function: str, root: Path = REPOSITORY) -> Iterator[Path]:
    """Files of a function's zip: its own modules and the kit's, without the command line."""
    yield root / "lambdas/__init__.py"
    yield from sorted((root / "lambdas" / function).rglob("*.py"))
    command_line = root / "comal/cli"
    yield from (path for path in sorted((root / "comal").rglob("*.py")) if command_line not in path.parents)


def pack(function: str, root: Path = REPOSITORY) -> bytes:
    """The zip's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sources(function, root):
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def build(function: str, directory: Path = CODE_DIRECTORY) -> FunctionCode:
    """Write a function's zip, unless it lies there with the same bytes."""
    content = pack(function)
    path = directory / f"{function}.zip"
    if not path.exists() or path.read_bytes() != content:
        directory.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".fresh")
        fresh.write_bytes(content)
        fresh.replace(path)
    return FunctionCode(path, base64.b64encode(hashlib.sha256(content).digest()).decode())
