"""Files of the lake on this function's disk, a few at a time."""

from collections.abc import Callable
from pathlib import Path

_KEPT = 4


class LakeFiles:
    """Fetches files by key into a folder and forgets the oldest, so that the disk holds a few at most.

    Args:
        folder: Where they lie.
        download: Writes a file of the lake to a path.
    """

    def __init__(self, folder: Path, download: Callable[[str, Path], Path]) -> None:
        self._folder = folder
        self._download = download
        self._paths: dict[str, Path] = {}
        self._number = 0

    def fetch(self, key: str) -> Path:
        """The path of a file; good until four others were fetched."""
        known = self._paths.get(key)
        if known is not None:
            return known
        self._number += 1
        path = self._download(key, self._folder / f"{self._number}.parquet")
        self._paths[key] = path
        if len(self._paths) > _KEPT:
            self._paths.pop(next(iter(self._paths))).unlink()
        return path
