"""Reading tar.gz archives that somebody else made, without trusting what they announce.

Nothing is written outside the destination, and neither memory, disk nor time grows beyond the limits, whatever the
archive holds (CWE-22, CWE-59, CWE-409).
"""

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from comal.errors import AlgorithmError

Archive = Path | IO[bytes]

# What the headers of one member may take; a longer one is an attack on memory, as tarfile reads headers whole.
_HEADER_ALLOWANCE_BYTES = 1 << 20
# Small archives may shrink by any factor: a file of zeros is no bomb before it is large.
_RATIO_MATTERS_FROM_BYTES = 16 << 20
_PLAIN_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
_ARCHIVE_ERRORS = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    Attributes:
        max_members: Files and folders together.
        max_bytes: Sum of the files, unpacked.
        max_ratio: Unpacked size over packed size; gzip cannot exceed about 1032.
    """

    max_members: int = 10_000
    max_bytes: int = 4 << 30
    max_ratio: float = 250.0


def extract(archive: Archive, destination: Path, limits: Limits | None = None) -> list[PurePosixPath]:
    """Unpack into a folder, which is made when it is absent.

    Returns:
        Paths of the files, relative to the destination, in the archive's order.

    Raises:
        AlgorithmError: The archive is damaged, exceeds a limit, or holds an absolute path, `..`, a link, a device, a
            sparse file or one name twice. Members before the offending one have been written.
    """
    paths = []
    destination.mkdir(parents=True, exist_ok=True)
    with walk(archive, limits or Limits()) as members:
        for path, content in members:
            target = destination / path
            try:
                if content is None:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file)
            except (FileExistsError, NotADirectoryError):
                raise _refusal(f"'{path}' is there twice, or is a file and a folder at once") from None
            paths.append(path)
    return paths


def read_members(archive: Archive, names: Collection[str], limits: Limits | None = None) -> dict[str, bytes]:
    """The contents of some files, in memory; nothing is written.

    Args:
        archive: Path or readable binary stream; a stream is read once, forwards.
        names: Paths inside the archive.
        limits: Limits on the whole archive, whichever files are asked for.

    Raises:
        AlgorithmError: As for `extract`, or a file is absent.
    """
    found: dict[str, bytes] = {}
    with walk(archive, limits or Limits()) as members:
        for path, content in members:
            if content is None or str(path) not in names:
                continue
            if str(path) in found:
                raise _refusal(f"'{path}' is there twice")
            found[str(path)] = content.read()
    absent = sorted(set(names) - set(found))
    if absent:
        raise _refusal(f"it lacks {', '.join(absent)}")
    return found


@contextmanager
def walk(archive: Archive, limits: Limits) -> Iterator[Iterator[tuple[PurePosixPath, IO[bytes] | None]]]:
    """Pairs of path and content (None for a folder), each checked before it is handed out.

    Raises:
        AlgorithmError: As for `extract`.
    """
    if isinstance(archive, Path):
        with archive.open("rb") as file, walk(file, limits) as members:
            yield members
        return
    packed = _Counter(archive)
    try:
        with gzip.GzipFile(fileobj=cast(IO[bytes], packed), mode="rb") as unpacked:  # only read() is needed
            meter = _Meter(cast(IO[bytes], unpacked), packed, limits.max_ratio)
            with tarfile.open(fileobj=cast(IO[bytes], meter), mode="r|") as tar:
                yield _checked(tar, meter, limits)
    except _ARCHIVE_ERRORS as error:
        raise _refusal(f"it is no complete tar.gz ({error})") from error


def _checked(tar: tarfile.TarFile, meter: "_Meter", limits: Limits) -> Iterator[tuple[PurePosixPath, IO[bytes] | None]]:
    total_bytes = 0
    for count, member in enumerate(tar, start=1):
        if count > limits.max_members:
            raise _refusal(f"it holds more than {limits.max_members} files and folders")
        path = _safe_path(member.name)
        if member.isdir():
            meter.allow(0)
            yield path, None
            continue
        if member.type not in _PLAIN_FILES or member.issparse():
            raise _refusal(f"'{member.name}' is a {_kind(member)}; only plain files and folders are accepted")
        total_bytes += member.size
        if total_bytes > limits.max_bytes:
            raise _refusal(f"it unpacks to more than {limits.max_bytes} bytes")
        meter.allow(member.size)
        content = tar.extractfile(member)
        assert content is not None  # a plain file has content
        yield path, content


def _safe_path(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise _refusal(f"'{name}' leads out of the folder")
    return path


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "link"
    return "sparse file" if member.issparse() else "device or of an unknown type"


def _refusal(why: str) -> AlgorithmError:
    return AlgorithmError(
        f"The archive is refused: {why}.", next_step="Pack plain files with their relative paths into a tar.gz."
    )


class _Counter:
    """A stream that knows how much was read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.read_bytes += len(data)
        return data


class _Meter:
    """An unpacked stream that ends in an error where it yields more than its members announced."""

    def __init__(self, unpacked: IO[bytes], packed: _Counter, max_ratio: float) -> None:
        self._unpacked = _Counter(unpacked)
        self._packed = packed
        self._max_ratio = max_ratio
        self._allowed_bytes = _HEADER_ALLOWANCE_BYTES

    def allow(self, size_bytes: int) -> None:
        """Let a member of this size pass, and the next one's headers."""
        self._allowed_bytes = self._unpacked.read_bytes + size_bytes + _HEADER_ALLOWANCE_BYTES

    def read(self, size: int) -> bytes:
        data = self._unpacked.read(size)
        total_bytes = self._unpacked.read_bytes
        if total_bytes > self._allowed_bytes:
            raise _refusal(f"a header of it is longer than {_HEADER_ALLOWANCE_BYTES} bytes")
        if total_bytes > max(_RATIO_MATTERS_FROM_BYTES, self._max_ratio * self._packed.read_bytes):
            raise _refusal(f"it unpacks to more than {self._max_ratio:g} times its size")
        return data
