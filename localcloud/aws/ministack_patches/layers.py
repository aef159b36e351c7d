"""Lambda layers: their zips lie on disk by content, out of memory and out of the saved state, unpacked once.

MiniStack keeps a layer's zip as bytes in the layer's record, writes it as base64 into each saved state, and unpacks
it anew for each worker.
"""

import asyncio
import hashlib
import os
import re
import shutil
import threading
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ministack import app
from ministack.services import lambda_svc

NAMES = {
    "ministack.app": ("SERVICE_HANDLERS",),
    "ministack.services.lambda_svc": (
        "_layers",
        "_publish_layer_version",
        "_resolve_layer_zip",
        "_find_layer_version",
        "_layer_unzipped_size",
        "_sweep_extract_cache",
        "handle_request",
        "serve_layer_content",
    ),
}

_REFERENCE = "layer_blob"
_PUBLISH_PATH = re.compile(r"/layers/[^/]+/versions/?$")

Handler = Callable[..., Awaitable[Any]]


class LayerStore:
    """Zips and unpacked trees of layers, by the SHA-256 of the zip."""

    def __init__(self, directory: Path) -> None:
        """Creates `<directory>/zip` and `<directory>/tree`; raises OSError when it cannot."""
        self._zips = directory / "zip"
        self._trees = directory / "tree"
        self._lock = threading.Lock()
        for path in (self._zips, self._trees):
            path.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes) -> str:
        """Stores a zip; returns its digest in hex."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.zip_path(digest)
        if not path.exists():
            temporary = path.with_suffix(f".{threading.get_ident()}")
            temporary.write_bytes(content)
            temporary.replace(path)
        return digest

    def zip_path(self, digest: str) -> Path:
        """Where the zip lies."""
        return self._zips / f"{digest}.zip"

    def tree(self, digest: str) -> Path:
        """The unpacked layer, unpacked by the first who asks and shared by all.

        Raises:
            RuntimeError: An entry of the zip would land outside the tree.
        """
        tree = self._trees / digest
        with self._lock:
            if not tree.exists():
                unpacking = self._trees / f"{digest}.unpacking"
                shutil.rmtree(unpacking, ignore_errors=True)
                unpack(self.zip_path(digest), unpacking)
                unpacking.replace(tree)
        return tree

    def keep_only(self, digests: set[str]) -> None:
        """Removes every zip and tree but these. A worker that still runs keeps the files it has open."""
        with self._lock:
            for path in [*self._zips.iterdir(), *self._trees.iterdir()]:
                if path.name.split(".")[0] in digests:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def unpack(archive: Path, directory: Path) -> None:
    """Unpacks a zip, refusing entries that leave the directory."""
    root = os.path.realpath(directory)
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.namelist():
            if not os.path.realpath(Path(root) / entry).startswith((root + os.sep, root)):
                raise RuntimeError(f"{archive.name}: the entry {entry} lies outside the archive")
        opened.extractall(directory)


def install(store: LayerStore) -> None:
    """Publishes into the store, off the event loop, and reads from it."""
    resolve = lambda_svc._resolve_layer_zip
    lambda_svc._publish_layer_version = _publish_into(store, lambda_svc._publish_layer_version)
    lambda_svc._resolve_layer_zip = lambda attachment: _read_content(store, resolve(attachment))
    lambda_svc._layer_unzipped_size = lambda attachment: _unpacked_size(store, resolve(attachment))
    lambda_svc.serve_layer_content = _serve_from(store, lambda_svc.serve_layer_content)
    lambda_svc._sweep_extract_cache = _sweep_also(store, lambda_svc._sweep_extract_cache)
    app.SERVICE_HANDLERS["lambda"] = _publish_off_the_loop(app.SERVICE_HANDLERS["lambda"])


def find_digest(name: str, version: int, account: str, region: str) -> str | None:
    """Digest of a layer version's content, also of one deleted since it was attached; None when there is none."""
    record, _ = lambda_svc._find_layer_version(name, version, account, region, include_deleted=True)
    reference = record.get("_zip_data") if record else None
    return reference[_REFERENCE] if isinstance(reference, dict) else None


def _publish_into(store: LayerStore, original: Callable[..., Any]) -> Callable[..., Any]:
    def publish(layer_name: str, data: dict[str, Any]) -> Any:
        answer = original(layer_name, data)
        for version in lambda_svc._layers.get(layer_name, {}).get("versions", []):
            if isinstance(version["_zip_data"], bytes):
                version["_zip_data"] = {_REFERENCE: store.add(version["_zip_data"])}
        return answer

    return publish


def _read_content(store: LayerStore, reference: Any) -> bytes | None:
    return store.zip_path(reference[_REFERENCE]).read_bytes() if reference else None


def _unpacked_size(store: LayerStore, reference: Any) -> int:
    if not reference:
        return 0
    with zipfile.ZipFile(store.zip_path(reference[_REFERENCE])) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _serve_from(store: LayerStore, original: Callable[..., Any]) -> Callable[..., Any]:
    def serve(*arguments: Any, **options: Any) -> Any:
        status, headers, body = original(*arguments, **options)
        return status, headers, _read_content(store, body) if isinstance(body, dict) else body

    return serve


def _sweep_also(store: LayerStore, original: Callable[[], None]) -> Callable[[], None]:
    def sweep() -> None:
        original()
        versions = [version for layer in lambda_svc._layers.all_values() for version in layer["versions"]]
        store.keep_only({v["_zip_data"][_REFERENCE] for v in versions if isinstance(v["_zip_data"], dict)})

    return sweep


def _publish_off_the_loop(original: Handler) -> Handler:
    """Hashing and writing some 80 MB would stall every other call."""

    async def handle(method: str, path: str, *arguments: Any) -> Any:
        if method == "POST" and _PUBLISH_PATH.search(path):
            return await asyncio.to_thread(lambda: asyncio.run(_as_coroutine(original, method, path, *arguments)))
        return await original(method, path, *arguments)

    return handle


async def _as_coroutine(handler: Handler, *arguments: Any) -> Any:
    return await handler(*arguments)
