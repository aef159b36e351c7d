"""Which files a push means, and their way into the landing bucket."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from comal import s3_layout
from comal.cli.target import Target
from comal.errors import UserError

PUSH_ID = "push-id"


@dataclass(frozen=True)
class Upload:
    """A file and the landing key that it gets."""

    path: Path
    key: str

    @property
    def size_bytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size


def plan_uploads(model: str, paths: list[Path]) -> list[Upload]:
    """The uploads that files and folders mean; a folder means every file below it, hidden ones left out.

    Raises:
        UserError: A path does not exist, cannot be read, a folder is empty, or two files would get one key.
    """
    uploads: dict[str, Upload] = {}
    for path in paths:
        for file, name in _files(path):
            key = s3_layout.incoming_key(model, name)
            known = uploads.setdefault(key, Upload(file, key))
            if known.path.resolve() != file.resolve():
                raise UserError(
                    f"{known.path} and {file} would both land as {key}.",
                    next_step="Push them one after the other, or push the folder above them.",
                )
    return list(uploads.values())


def _files(path: Path) -> list[tuple[Path, str]]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        if not files:
            raise UserError(f"{path} holds no files.", next_step="Name CSV or Parquet files, or a folder of them.")
        return [(file, file.relative_to(path).as_posix()) for file in files]
    if not path.exists():
        raise UserError(f"{path} does not exist.", next_step="Check the path.")
    if not path.is_file():
        raise UserError(f"{path} is neither a file nor a folder.", next_step="Name CSV or Parquet files.")
    return [(path, path.name)]


def send(target: Target, upload: Upload, push_id: str, on_bytes: Callable[[int], None]) -> None:
    """Upload one file, in parts when it is large.

    Args:
        target: The stack.
        upload: What goes where.
        push_id: Goes along as metadata, so that the batch is found again.
        on_bytes: Called with the number of bytes sent since the last call.
    """
    try:
        target.client("s3").upload_file(
            str(upload.path),
            target.names.bucket("landing"),
            upload.key,
            ExtraArgs={"Metadata": {PUSH_ID: push_id}},
            Callback=on_bytes,
        )
    except PermissionError as error:
        raise UserError(f"{upload.path} may not be read.", next_step="Check who may read the file.") from error
