"""Crash-safe saves of MiniStack's state, on a thread of its own; MiniStack saves only at a clean shutdown.

A record is encoded at a time, so that the event loop waits for one record and never for a service. Files are
replaced by rename: after kill -9 each is whole, and at most `INTERVAL_S` old. S3 writes object bodies and their
metadata itself, at once.
"""

import hashlib
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence, responses

NAMES = {
    "ministack.app": ("save_all", "_build_persistence_save_dict"),
    "ministack.core.persistence": ("STATE_DIR", "_state_format_version", "_json_default"),
    "ministack.core.responses": ("AccountScopedDict._data", "AccountRegionScopedDict._data"),
}

# Promise: at most the last two seconds are lost. Half of it, so that a slow save still keeps it.
INTERVAL_S = 1.0
# A store that changes size while it is copied raises; the copy is then simply made again.
_ATTEMPTS = 5
# A thread that computes keeps the interpreter for this long before the event loop gets its turn (default 5 ms).
_SWITCH_INTERVAL_S = 0.0005

logger = logging.getLogger("localcloud.saving")

StateGetter = Callable[[], Mapping[str, Any] | None]


class Saver:
    """Saves every service whose state changed, every `INTERVAL_S` seconds, until it is stopped."""

    def __init__(self, directory: Path, may_have_changed: Callable[[], bool]) -> None:
        """Creates the directory; raises OSError when it cannot.

        Args:
            directory: Where the files are.
            may_have_changed: Whether it is worth a look.
        """
        self._directory = directory
        self._may_have_changed = may_have_changed
        directory.mkdir(parents=True, exist_ok=True)
        self._digests: dict[str, bytes] = {}
        # Monotonic time before which every change is on disk.
        self.kept_at = 0.0
        self._failed: set[str] = set()
        self._stopping = threading.Event()
        self._saving = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="localcloud-saver", daemon=True)

    def start(self) -> None:
        """Starts the thread; call it after MiniStack has loaded its state."""
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a last `save` is the caller's."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def save_all(self) -> None:
        """Saves every service whose state changed."""
        self.save(app._build_persistence_save_dict())

    def save(self, getters: Mapping[str, StateGetter]) -> list[str]:
        """Saves what changed since the last save; returns the names of the services written."""
        with self._saving:
            began_at = time.monotonic()
            written = [name for name, getter in getters.items() if self._save_service(name, getter)]
            if not self._failed:
                self.kept_at = began_at
            return written

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL_S):
            if self._may_have_changed():
                self.save_all()

    def _save_service(self, name: str, getter: StateGetter) -> bool:
        try:
            state = _copy_state(getter)
            if state is None:
                return False
            chunks = list(_encode(name, state))
            digest = _digest(chunks)
            if self._digests.get(name) == digest:
                return False
            _replace_file(self._directory / f"{name}.json", chunks)
        except (OSError, RuntimeError, TypeError) as error:
            if name not in self._failed:
                self._failed.add(name)
                logger.error("State of %s is not saved (%s); the last saved state stays", name, error)  # noqa: TRY400
            return False
        self._failed.discard(name)
        self._digests[name] = digest
        return True


_saver: Saver | None = None


def kept_at() -> float:
    """The monotonic time before which every change of MiniStack's state is on disk."""
    return _saver.kept_at if _saver is not None else 0.0


def install(saver: Saver) -> None:
    """Lets MiniStack's save at shutdown go through the same saver."""
    global _saver
    _saver = saver

    def save_all(getters: Mapping[str, StateGetter]) -> None:
        saver.stop()
        saver.save(getters)

    app.save_all = save_all


def _copy_state(getter: StateGetter) -> Mapping[str, Any] | None:
    for _ in range(_ATTEMPTS - 1):
        try:
            return getter()
        except RuntimeError:
            time.sleep(0)
    return getter()


def _encode(service: str, state: Mapping[str, Any]) -> Iterator[bytes]:
    """MiniStack's own file format, as `persistence.load_state` reads it, in chunks of about a record."""
    yield f'{{"__ministack_format__": {persistence._state_format_version(service)}, "payload": {{'.encode()
    for number, (key, store) in enumerate(state.items()):
        yield (", " if number else "").encode() + json.dumps(key).encode() + b": "
        if isinstance(store, responses.AccountRegionScopedDict | responses.AccountScopedDict):
            yield from _encode_store(store)
        else:
            yield _encode_value(store)
    yield b"}}"


def _encode_store(store: Any) -> Iterator[bytes]:
    by_region = isinstance(store, responses.AccountRegionScopedDict)
    yield b'{"__account_region_scoped__": true, "data": {' if by_region else b'{"__scoped__": true, "data": {'
    for number, (key, value) in enumerate(list(store._data.items())):
        name = "\0".join([*key[:-1], repr(key[-1])])
        yield (", " if number else "").encode() + json.dumps(name).encode() + b": " + _encode_value(value)
    yield b"}}"


def _encode_value(value: Any) -> bytes:
    return json.dumps(value, default=persistence._json_default).encode()


def _digest(chunks: list[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _replace_file(path: Path, chunks: list[bytes]) -> None:
    temporary = path.with_suffix(".json.tmp")
    with temporary.open("wb") as file:
        file.writelines(chunks)
    temporary.replace(path)
