"""Values as the SDK sends them and as the engine works with them: secrets, unknowns, assets, archives."""

import hashlib
import json
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from localcloud.engine.archives import Archives, Content
from localcloud.engine.errors import UnsupportedError

_SIGNATURE = rpc._special_sig_key


class Secret:
    """Marks a text or a number that must not reach the state file; a secret structure has only such leaves."""

    __slots__ = ()


class SecretText(Secret, str):
    """A secret text."""

    __slots__ = ()


class SecretInteger(Secret, int):
    """A secret whole number."""


class SecretNumber(Secret, float):
    """A secret number."""

    __slots__ = ()


def decode(value: Any, archives: Archives) -> Any:
    """A value from the wire as plain Python.

    Args:
        value: A decoded protobuf Struct.
        archives: Reads assets.

    Returns:
        Dicts, lists and scalars; `Secret`, `Content`, and the SDK's UNKNOWN text for what is not known yet.
    """
    if isinstance(value, dict):
        if _SIGNATURE in value:
            return _decode_special(value, archives)
        return {key: decode(item, archives) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [decode(item, archives) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _decode_special(value: dict[str, Any], archives: Archives) -> Any:
    signature = value[_SIGNATURE]
    if signature == rpc._special_secret_sig:
        return _secret(decode(value["value"], archives))
    if signature == rpc._special_output_value_sig:
        plain = decode(value.get("value", rpc.UNKNOWN), archives)
        return _secret(plain) if value.get("secret") else plain
    if signature == rpc._special_resource_sig:
        return value.get("id") or value["urn"]
    if signature == rpc._special_asset_sig:
        return archives.asset(value)
    if signature == rpc._special_archive_sig:
        return archives.archive(value)
    raise UnsupportedError(f"A value has the unknown signature {signature}.", "Pin the Pulumi SDK to our version.")


def _secret(value: Any) -> Any:
    """Mark every leaf. True and false hide nothing, and what is unknown has nothing to hide yet."""
    if isinstance(value, bool) or value == rpc.UNKNOWN:
        return value
    if isinstance(value, str):
        return SecretText(value)
    if isinstance(value, int):
        return SecretInteger(value)
    if isinstance(value, float):
        return SecretNumber(value)
    if isinstance(value, dict):
        return {key: _secret(item) for key, item in value.items()}
    return [_secret(item) for item in value] if isinstance(value, list) else value


def freeze(value: Any) -> Any:
    """A value as the state file holds it: digests stand for content and for secrets."""
    if isinstance(value, Content):
        return {"content": value.digest}
    if isinstance(value, Secret):
        return {"secret": hashlib.sha256(f"localcloud{value}".encode()).hexdigest()}
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    return [freeze(item) for item in value] if isinstance(value, list) else value


def has_secret(value: Any) -> bool:
    """Whether a value, or anything in it, is secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    return any(has_secret(item) for item in value) if isinstance(value, list) else isinstance(value, Secret)


def is_unknown(value: Any) -> bool:
    """Whether a value, or anything in it, is not known before something else exists."""
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    return bool(value == rpc.UNKNOWN)


def complete(wire: Any, outputs: Any) -> Any:
    """A value as the program sent it, with what AWS has added to its structures.

    Args:
        wire: From the wire; archives and secrets keep their signatures.
        outputs: The same value as the state file holds it.
    """
    if not isinstance(wire, dict) or not isinstance(outputs, dict) or _SIGNATURE in wire:
        return wire
    added = {key: item for key, item in outputs.items() if item is not None and key not in wire}
    return {key: complete(item, outputs.get(key)) for key, item in wire.items()} | added


def to_struct(values: dict[str, Any]) -> struct_pb2.Struct:
    """A Struct for the wire."""
    struct = struct_pb2.Struct()
    struct.update(json.loads(json.dumps({key: item for key, item in values.items() if item is not None}, default=str)))
    return struct
