"""Assets and archives of a program: compared by a cheap digest, packed only when AWS needs the bytes, packed once.

A Lambda layer has 220 MiB in thousands of files: reading it costs a second and packing it several, so what was read
is kept beside the state under the files' sizes and times, and the pack under its content.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pulumi.runtime import rpc

from localcloud.engine.errors import EngineError, UnsupportedError

_EPOCH = (1980, 1, 1, 0, 0, 0)
# Level 1 packs a layer in a third of the time of level 6, and a tenth larger.
_LEVEL = 1


@dataclass(frozen=True)
class Content:
    """The bytes of an asset or an archive, read when they are needed; `digest` tells one content from another."""

    digest: str
    read: Callable[[], bytes]

    @classmethod
    def of(cls, data: bytes) -> "Content":
        """Content of bytes."""
        return cls(hashlib.sha256(data).hexdigest(), lambda: data)


@dataclass(frozen=True)
class _Member:
    """A file of an archive: one on disk, or one with data of its own."""

    name: str
    path: Path | None
    data: bytes = b""

    def read(self) -> bytes:
        return self.data if self.path is None else _read_file(self.path)

    def fingerprint(self) -> tuple[object, ...]:
        """What tells cheaply that it has not changed."""
        if self.path is None:
            return (self.name, hashlib.sha256(self.data).hexdigest())
        found = self.path.stat()
        return (self.name, found.st_size, found.st_mtime_ns, found.st_ino)


class Archives:
    """Reads what a program names, and keeps what it packed."""

    def __init__(self, base: Path, cache: Path) -> None:
        """Takes two folders.

        Args:
            base: Where relative paths start.
            cache: Where packs are kept; made when needed, may be deleted at any time.
        """
        self._base = base
        self._cache = cache

    def asset(self, node: dict[str, Any]) -> Content:
        """Content of an asset as it is on the wire."""
        if node.get("text") is not None:
            return Content.of(str(node["text"]).encode())
        return _file_content(self._base / _local_path(node))

    def archive(self, node: dict[str, Any]) -> Content:
        """Content of an archive: a zip as it is, a folder or a tree of assets packed."""
        if node.get("path") is not None and (self._base / node["path"]).is_file():
            return _file_content(self._base / node["path"])
        members = sorted(self._members(node, ""), key=lambda member: member.name)
        named = f"{self._base}{json.dumps(node, sort_keys=True)}".encode()
        place = self._cache / hashlib.sha256(named).hexdigest()[:16]
        digest = _known_digest(members, place.with_suffix(".json"))
        return Content(digest, partial(_packed, members, digest, place))

    def _members(self, node: dict[str, Any], prefix: str) -> Iterator[_Member]:
        if node[rpc._special_sig_key] == rpc._special_asset_sig:
            name = prefix.rstrip("/")
            if node.get("text") is not None:
                yield _Member(name, None, str(node["text"]).encode())
            else:
                yield _Member(name, _existing(self._base / _local_path(node)))
        elif node.get("assets") is not None:
            for name, child in node["assets"].items():
                yield from self._members(child, f"{prefix}{name}/")
        else:
            yield from _of_path(self._base / _local_path(node), prefix)


def _of_path(path: Path, prefix: str) -> Iterator[_Member]:
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            yield from (_Member(prefix + name, None, archive.read(name)) for name in archive.namelist())
        return
    for found in _existing(path).rglob("*"):
        if "__pycache__" not in found.parts and found.is_file():
            yield _Member(prefix + found.relative_to(path).as_posix(), found)


def _known_digest(members: list[_Member], note: Path) -> str:
    """Digest over names and contents; from the note, if no file has changed since it was written."""
    fingerprint = hashlib.sha256(repr([member.fingerprint() for member in members]).encode()).hexdigest()
    try:
        known = json.loads(note.read_text())
        if known["fingerprint"] == fingerprint:
            return str(known["digest"])
    except (OSError, ValueError, KeyError):
        pass  # No note, or half of one: read the files.
    digest = hashlib.sha256()
    for member in members:
        digest.update(f"{member.name}\0{hashlib.sha256(member.read()).hexdigest()}\n".encode())
    text = json.dumps({"fingerprint": fingerprint, "digest": digest.hexdigest()})
    _write(note, text.encode())
    return digest.hexdigest()


def _packed(members: list[_Member], digest: str, place: Path) -> bytes:
    kept = place.with_suffix(".zip")
    named = place.with_suffix(".zip-digest")
    if kept.exists() and named.exists() and named.read_text() == digest:
        return kept.read_bytes()
    data = _pack(members)
    named.unlink(missing_ok=True)
    _write(kept, data)
    _write(named, digest.encode())
    return data


def _pack(members: list[_Member]) -> bytes:
    """A zip that depends on names and contents only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for member in members:
            entry = zipfile.ZipInfo(member.name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, member.read(), zipfile.ZIP_DEFLATED, _LEVEL)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.fresh")
    fresh.write_bytes(data)
    fresh.replace(path)


def _file_content(path: Path) -> Content:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None
    return Content(digest, partial(_read_file, path))


def _local_path(node: dict[str, Any]) -> str:
    if node.get("path") is None:
        raise UnsupportedError(f"An asset at {node.get('uri')!r} is not local.", "Use a local file or text.")
    return str(node["path"])


def _existing(path: Path) -> Path:
    if not path.exists():
        raise EngineError(f"The program packs {path}, which does not exist.", "Build it, or correct the path.")
    return path


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> EngineError:
    return EngineError(f"The program uses {path}: {error.strerror}.", "Build it, or correct the path.")
