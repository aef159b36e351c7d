"""Which local command stands for a container image: images.json, read for each start."""

import json
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws.sagemaker.errors import ContainerFailure


@dataclass(frozen=True, slots=True)
class Image:
    """One entry of images.json.

    Attributes:
        command: The image's entry point; SageMaker appends `train` or `serve`.
        cwd: Working directory.
        env: Names and values that the image sets.
        preload: Modules that a warm interpreter imports ahead of time: slow ones that seldom change.
    """

    command: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...] = ()
    preload: tuple[str, ...] = ()


class Images:
    """The images this machine can run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, uri: str) -> Image:
        """The image behind a URI.

        Raises:
            ContainerFailure: The file has no such image, or cannot be read.
        """
        try:
            entries = json.loads(self._path.read_text())
        except (OSError, ValueError) as error:
            raise ContainerFailure(f"ClientError: The images of this machine cannot be read: {error}") from error
        entry = entries.get(uri)
        if entry is None:
            known = ", ".join(sorted(entries)) or "none"
            raise ContainerFailure(
                f"ClientError: Cannot find the image {uri}. {self._path} maps image URIs to local commands; "
                f"it knows: {known}."
            )
        env = tuple(sorted(entry.get("env", {}).items()))
        return Image(tuple(entry["command"]), entry["cwd"], env, tuple(entry.get("preload", ())))
