"""Whether an artifact may be registered: plain files, nothing that runs when it is loaded.

An artifact is data to whoever loads it, unless it is a pickle: unpickling calls what the file names. So no member may
be one, under whatever name, compressed or inside a zip or tar (CWE-502).
https://docs.python.org/3/library/pickle.html (the warning at its top)
"""

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any

import numpy as np

from comal.archive import Archive, Limits, walk
from comal.errors import AlgorithmError
from comal.pickle_opcodes import pickle_in

_PICKLE_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"})
_NUMPY, _ZIP, _ZIP_ENTRY = b"\x93NUMPY", b"PK\x03\x04", b"PK\x01\x02"
_COMPRESSED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
# No larger than the pieces in which a library reads a file: of the piece in which it breaks off nobody gets anything.
_PIECE_BYTES = 512
# What joblib packs with, and this cannot look into.
_OPAQUE = {b"\x04\x22\x4d\x18": "LZ4", b"\x28\xb5\x2f\xfd": "Zstandard"}
# How much of all members together is unpacked to see what they are, into how many files, how many opcodes are looked at
# in all of them, and how deep a zip in a zip is followed. The function has two gigabytes and two minutes.
_LOOK_BYTES = 512 << 20
_LOOK_FILES = 10_000
_LOOK_OPCODES = 2_000_000
_DEPTH = 3
_ZFILE_HEADER_BYTES = len("ZF") + len(hex(2**64))
_READ_BYTES = 1 << 20


def check_artifact(archive: Archive, limits: Limits | None = None) -> list[PurePosixPath]:
    """Look at every member of a model.tar.gz without loading any.

    Returns:
        Paths of its files.

    Raises:
        AlgorithmError: The archive is unsafe (see comal.archive), or a member is, or hides, a pickle.
    """
    paths = []
    look = _Look()
    with walk(archive, limits or Limits()) as members:
        for path, content in members:
            if content is not None:
                look.check(str(path), path.suffix.lower(), _whole(content), _DEPTH)
                paths.append(path)
    return paths


class _Look:
    """Looks at members, and into what they hold as long as there is something left to spend on it."""

    def __init__(self) -> None:
        self._bytes_left = _LOOK_BYTES
        self._files_left = _LOOK_FILES
        self._opcodes = iter(range(_LOOK_OPCODES))

    def check(self, name: str, suffix: str, data: bytes, depth: int) -> None:
        """Refuse a pickle, or what holds one."""
        if suffix in _PICKLE_SUFFIXES:
            raise _refusal(f"'{name}' is a pickle by its name")
        found = pickle_in(data, self._opcodes)
        if found is not None:
            raise _refusal(f"'{name}' {found}")
        if data.startswith(_NUMPY) and _has_objects(name, data):
            raise _refusal(f"'{name}' holds Python objects, which numpy keeps as a pickle")
        for magic, packer in _OPAQUE.items():
            if data.startswith(magic):
                raise _refusal(f"'{name}' is packed with {packer}, which is not looked into")
        # A zip is found from its end: what stands before it is no matter to who opens it, and may be another file.
        if data.startswith(_ZIP) or zipfile.is_zipfile(io.BytesIO(data)):
            self._check_zip(name, data, depth)
        if _is_tar(data):
            self._check_tar(name, data, depth)
        unpacked = self._unpacked(name, data)
        if unpacked:
            self._deeper(name, "", unpacked, depth)

    def _deeper(self, name: str, suffix: str, data: bytes, depth: int) -> None:
        if depth == 0:
            raise _refusal(f"'{name}' is packed in more than {_DEPTH} layers")
        self.check(name, suffix, data, depth - 1)

    def _check_zip(self, name: str, data: bytes, depth: int) -> None:
        self._spend_files(name, data.count(_ZIP_ENTRY))  # before all are read into memory
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                for entry in packed.infolist():
                    with packed.open(entry) as file:
                        content = self._spend(name, file.read(self._bytes_left + 1))
                    suffix = PurePosixPath(entry.filename).suffix.lower()
                    self._deeper(f"{name}/{entry.filename}", suffix, content, depth)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
            raise _refusal(f"'{name}' is a zip that cannot be read ({error})") from error

    def _check_tar(self, name: str, data: bytes, depth: int) -> None:
        try:
            with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as packed:
                for entry in packed:
                    self._spend_files(name, 1)
                    file = packed.extractfile(entry) if entry.isreg() else None
                    if file is not None:
                        content = self._spend(name, file.read(self._bytes_left + 1))
                        suffix = PurePosixPath(entry.name).suffix.lower()
                        self._deeper(f"{name}/{entry.name}", suffix, content, depth)
        except tarfile.TarError as error:
            raise _refusal(f"'{name}' is a tar that cannot be read ({error})") from error

    def _unpacked(self, name: str, data: bytes) -> bytes:
        """What a compressed file holds; nothing for a file that is not compressed."""
        for magic, opened in _COMPRESSED.items():
            if data.startswith(magic):
                try:
                    with opened(io.BytesIO(data)) as file:
                        return self._spend(name, file.read(self._bytes_left + 1))
                except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                    raise _refusal(f"'{name}' is compressed and cannot be read ({error})") from error
        # joblib's old files are zlib behind a mark and a length (numpy_pickle_utils.py of joblib, read_zfile).
        packed = data[_ZFILE_HEADER_BYTES:].removeprefix(b" ") if data.startswith(b"ZF") else data
        decompressor = _perhaps_packed_with(packed)
        if decompressor is None:
            return b""
        return b"".join(self._spend(name, piece) for piece in _pieces(decompressor, packed, self._bytes_left + 1))

    def _spend_files(self, name: str, files: int) -> None:
        self._files_left -= files
        if self._files_left < 0:
            raise _refusal(f"with '{name}' its members hold more than {_LOOK_FILES} files")

    def _spend(self, name: str, data: bytes) -> bytes:
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise _refusal(
                f"with '{name}' its members unpack to more than {_LOOK_BYTES} bytes, which is all that is looked into"
            )
        return data


def _whole(content: IO[bytes]) -> bytes:
    """All of a file, without the second copy that `read` makes on its way."""
    sink = io.BytesIO()
    shutil.copyfileobj(content, sink, _READ_BYTES)
    return sink.getvalue()


def _perhaps_packed_with(data: bytes) -> Callable[[], Any] | None:
    """What unpacks what begins like this, if it is packed: a header of two bytes is no proof.

    What does not unpack may be anything, but what unpacked before it broke off is looked at.
    zlib's header holds the method, 8, the window, up to 7, and a check of both: https://www.rfc-editor.org/rfc/rfc1950.
    LZMA's holds its properties in a byte below 225, then the dictionary's size, whose low byte is 0 for all sizes that
    Python's library reads unasked: https://github.com/tukaani-project/xz/blob/master/doc/lzma-file-format.txt
    """
    if len(data) < 2:
        return None
    if data[0] & 15 == 8 and data[0] >> 4 <= 7 and int.from_bytes(data[:2], "big") % 31 == 0:
        return zlib.decompressobj
    return lzma.LZMADecompressor if data[0] < 225 and data[1] == 0 else None


def _pieces(make: Callable[[], Any], data: bytes, most_bytes: int) -> Iterator[bytes]:
    """What data unpacks to, piece by piece and stream after stream, until it ends or breaks off."""
    decompressor = make()
    for start in range(0, len(data), _PIECE_BYTES):
        piece = data[start : start + _PIECE_BYTES]
        while piece:
            try:
                yield decompressor.decompress(piece, most_bytes)
            except (zlib.error, lzma.LZMAError, EOFError):
                return
            if not decompressor.eof:
                break
            piece, decompressor = decompressor.unused_data, make()


def _is_tar(data: bytes) -> bool:
    """Whether it begins as a tar's member does, whose header holds a sum over itself; old tars have no other mark."""
    try:
        tarfile.TarInfo.frombuf(data[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _has_objects(name: str, data: bytes) -> bool:
    """Whether an array of numpy's own format holds more than numbers and texts."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        dtype: np.dtype[Any] = read(stream)[2]
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise _refusal(f"'{name}' is no array of numpy's that can be read ({error})") from error
    return dtype.hasobject


def _refusal(why: str) -> AlgorithmError:
    return AlgorithmError(
        f"The artifact is refused: {why}.",
        next_step="Save the model as UBJ, JSON, text, ONNX or skops; comal never loads a pickle.",
    )
