"""model.tar.gz in both directions: written from a directory, and extracted without trusting it."""

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from localcloud.aws.sagemaker.errors import ContainerFailure

MAX_MEMBERS = 100_000
# Far above a tabular model, and far below a disk.
MAX_EXTRACTED_BYTES = 20 * 1024**3


def write_archive(paths: list[Path], archive: Path) -> None:
    """Packs files and directories by their own names."""
    # Python's default of 9 takes three times as long for hardly less size.
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for path in sorted(paths):
            tar.add(path, arcname=path.name)


def extract_archive(
    archive: Path, directory: Path, max_bytes: int = MAX_EXTRACTED_BYTES, max_members: int = MAX_MEMBERS
) -> None:
    """Unpacks regular files and directories only.

    Raises:
        ContainerFailure: The archive is damaged, too large, or holds links, devices or paths that leave the directory.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for number, member in enumerate(tar, 1):
                if number > max_members:
                    raise _refusal(f"has more than {max_members} members")
                target = _target(directory, member)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                written += member.size
                if written > max_bytes:
                    raise _refusal(f"is larger than {max_bytes} bytes when extracted")
                _write_member(tar, member, target)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise _refusal(f"cannot be read: {error}") from error


def _target(directory: Path, member: tarfile.TarInfo) -> Path:
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts:
        raise _refusal(f"holds the path {member.name!r}, which leaves the directory")
    if not (member.isreg() or member.isdir()):
        raise _refusal(f"holds {member.name!r}, which is neither a file nor a directory")
    return directory.joinpath(*parts)


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    if source is None:
        raise _refusal(f"has no content for {member.name!r}")
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1024 * 1024)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _refusal(reason: str) -> ContainerFailure:
    return ContainerFailure(f"ClientError: The model archive {reason}.")
