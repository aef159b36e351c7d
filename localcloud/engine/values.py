"""Values as the SDK sends them and as the engine works with them: secrets, unknowns, assets, archives."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from localcloud.engine.errors import EngineError, UnsupportedError

_SIGNATURE = rpc._special_sig_key
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Secret(str):
    """A text that must not reach the state file."""

    __slots__ = ()


@dataclass(frozen=True)
class Content:
    """The bytes of an asset or an archive, with their SHA-256."""

    data: bytes
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> "Content":
        """Content of bytes."""
        return cls(data, hashlib.sha256(data).hexdigest())


def decode(value: Any, base: Path) -> Any:
    """A value from the wire as plain Python.

    Args:
        value: A decoded protobuf Struct.
        base: Where relative paths of assets start.

    Returns:
        Dicts, lists and scalars; `Secret`, `Content`, and the SDK's UNKNOWN text for what is not known yet.
    """
    if isinstance(value, dict):
        return _decode_special(value, base) if _SIGNATURE in value else _decode_object(value, base)
    if isinstance(value, list):
        return [decode(item, base) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _decode_object(value: dict[str, Any], base: Path) -> dict[str, Any]:
    return {key: decode(item, base) for key, item in value.items() if item is not None}


def _decode_special(value: dict[str, Any], base: Path) -> Any:
    signature = value[_SIGNATURE]
    if signature == rpc._special_secret_sig:
        plain = decode(value["value"], base)
        return Secret(plain) if isinstance(plain, str) else plain
    if signature == rpc._special_output_value_sig:
        return decode(value.get("value", rpc.UNKNOWN), base)
    if signature == rpc._special_resource_sig:
        return value.get("id") or value["urn"]
    if signature == rpc._special_asset_sig:
        return Content.of(_read_asset(value, base))
    if signature == rpc._special_archive_sig:
        return Content.of(_read_archive(value, base))
    raise UnsupportedError(f"A value has the unknown signature {signature}.", "Pin the Pulumi SDK to our version.")


def _read_asset(node: dict[str, Any], base: Path) -> bytes:
    if node.get("text") is not None:
        return str(node["text"]).encode()
    return _read_file(base / _local_path(node))


def _read_archive(node: dict[str, Any], base: Path) -> bytes:
    if node.get("path") is not None and (base / node["path"]).is_file():
        return _read_file(base / node["path"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(_members(node, base, "")):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _members(node: dict[str, Any], base: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    if node[_SIGNATURE] == rpc._special_asset_sig:
        yield prefix.rstrip("/"), _read_asset(node, base)
    elif node.get("assets") is not None:
        for name, child in node["assets"].items():
            yield from _members(child, base, f"{prefix}{name}/")
    else:
        folder = base / _local_path(node)
        if folder.is_file():
            with zipfile.ZipFile(folder) as archive:
                yield from ((prefix + name, archive.read(name)) for name in archive.namelist())
            return
        if not folder.is_dir():
            raise EngineError(f"The program packs {folder}, which does not exist.", "Build it, or correct the path.")
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield prefix + path.relative_to(folder).as_posix(), path.read_bytes()


def _local_path(node: dict[str, Any]) -> str:
    if node.get("path") is None:
        raise UnsupportedError(f"An asset at {node.get('uri')!r} is not local.", "Use a local file or text.")
    return str(node["path"])


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"The program uses {path}: {error.strerror}.", "Build it, or correct the path.") from None


def freeze(value: Any) -> Any:
    """A value as the state file holds it: digests stand for content and for secrets."""
    if isinstance(value, Content):
        return {"content": value.sha256}
    if isinstance(value, Secret):
        return {"secret": hashlib.sha256(b"localcloud" + value.encode()).hexdigest()}
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return [freeze(item) for item in value] if isinstance(value, list) else value


def is_unknown(value: Any) -> bool:
    """Whether a value, or anything in it, is not known before something else exists."""
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    return bool(value == rpc.UNKNOWN)


def to_struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """A Struct for the wire."""
    struct = struct_pb2.Struct()
    struct.update(json.loads(json.dumps({key: item for key, item in values.items() if item is not None}, default=str)))
    return struct
