"""Builds the layer that holds what the functions import: `python -m infra.layer [--platform local|aws]`.

Built from requirements/layer.txt, pruned, and cached by that file's digest, for this interpreter or for AWS's.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from comal.errors import PlatformError, UserError
from infra.settings import REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements/layer.txt"
LAYERS_DIRECTORY = REPOSITORY / ".comal/layers"
ARCHIVE = "layer.zip"
# Function and layers together, unzipped.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LIMIT_MIB = 250

# Python 3.12 runs on Amazon Linux 2023, whose glibc 2.34 loads manylinux_2_28.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_PLATFORMS = {
    "local": [],
    "aws": [
        "--python-version=3.12",
        "--implementation=cp",
        *(
            f"--platform=manylinux_{version}_x86_64"
            for version in ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
        ),
        *(f"--platform=manylinux{name}_x86_64" for name in ("2014", "2010", "1")),
    ],
}

_FOLDERS = frozenset({"__pycache__", "tests", "include", "includes", "src", "bin"})
_SUFFIXES = frozenset({".a", ".c", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx"})
_METADATA = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
# Arrow's RPC, which no function speaks, and the links that wheels store as copies: loaders want only the soname.
_PATTERNS = ("pyarrow/*flight*", "pyarrow/*_cpp_tests*", "pyarrow/libarrow_python*.so", "pyarrow/*.so.*.*.*")
# 63 MB in 2 s; the next level saves 4 MB and takes 5 s more.
_COMPRESSION_LEVEL = 1
_TIME = (1980, 1, 1, 0, 0, 0)
_MIB = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A built layer.

    Attributes:
        path: Folder that holds layer.zip and python/.
        size_mib: Unzipped.
    """

    path: Path
    size_mib: float

    @property
    def archive(self) -> Path:
        """The zip, as Lambda takes it."""
        return self.path / ARCHIVE


def folder_name(platform: str, requirements: Path = REQUIREMENTS) -> str:
    """What a layer is cached by: requirements, rules of pruning and interpreter, as 16 hex digits; and its platform."""
    interpreter = _PLATFORMS[platform] or sys.version_info[:2]
    rules = repr((sorted(_FOLDERS), sorted(_SUFFIXES), sorted(_METADATA), _PATTERNS, interpreter))
    return f"{hashlib.sha256(requirements.read_bytes() + rules.encode()).hexdigest()[:16]}-{platform}"


def build(platform: str, directory: Path = LAYERS_DIRECTORY, requirements: Path = REQUIREMENTS) -> Layer:
    """Build a layer unless it is there, and point `<directory>/<platform>` at it.

    Args:
        platform: local (this interpreter) or aws (x86-64, Python 3.12).
        directory: Where layers are kept.
        requirements: Versions with hashes.

    Raises:
        PlatformError: pip failed.
        UserError: The layer is larger than Lambda takes.
    """
    path = directory / folder_name(platform, requirements)
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        fresh = directory / f"{path.name}.fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        _install(platform, fresh / "python", requirements)
        prune(fresh / "python")
        check_size(size_mib(fresh / "python"))
        _zip(fresh)
        fresh.replace(path)
    _point(directory / platform, path)
    return Layer(path, size_mib(path / "python"))


def find(path: Path) -> Path:
    """The archive of a layer that is to be deployed.

    Raises:
        UserError: It was not built, or from other requirements.
    """
    archive = path / ARCHIVE
    command = f"python -m infra.layer --platform {path.name}" if path.name in _PLATFORMS else "python -m infra.layer"
    if not archive.exists():
        raise UserError(f"There is no Lambda layer at {path}.", next_step=f"Run: {command}")
    if path.name in _PLATFORMS and path.resolve().name != folder_name(path.name):
        raise UserError(
            f"The Lambda layer at {path} was built from other requirements than {REQUIREMENTS.name} now names.",
            next_step=f"Run: {command}",
        )
    return archive


def prune(tree: Path) -> None:
    """Remove what no function imports: bytecode, tests, headers, sources, scripts, Arrow's RPC."""
    doomed = {path for pattern in _PATTERNS for path in tree.glob(pattern)}
    doomed |= {path for path in tree.rglob("*") if path.suffix in _SUFFIXES or path.name in _METADATA}
    for path in doomed:
        path.unlink()
    for path in [path for path in tree.rglob("*") if path.is_dir() and path.name in _FOLDERS]:
        shutil.rmtree(path, ignore_errors=True)


def check_size(found_mib: float) -> None:
    """Refuse what Lambda would refuse.

    Raises:
        UserError: The layer is larger than Lambda takes.
    """
    if found_mib > LIMIT_MIB:
        raise UserError(
            f"The layer holds {found_mib:.0f} MiB, and Lambda takes {LIMIT_MIB} MiB with the function's own code.",
            next_step="Take a package out of requirements/layer.in, or prune more in infra/layer.py.",
        )


def size_mib(tree: Path) -> float:
    """Size of the files below a folder."""
    return sum(path.stat().st_size for path in _files(tree)) / _MIB


def _install(platform: str, target: Path, requirements: Path) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-compile", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements)),
        *("--target", str(target), *_PLATFORMS[platform]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlatformError(
            f"pip could not install {requirements.name} for {platform}: {done.stderr.strip()}",
            next_step="Check the network and pip's index, then run the command again.",
        )


def _files(tree: Path) -> Iterator[Path]:
    yield from (path for path in sorted(tree.rglob("*")) if path.is_file())


def _zip(layer: Path) -> None:
    with zipfile.ZipFile(layer / ARCHIVE, "w") as archive:
        for path in _files(layer / "python"):
            entry = zipfile.ZipInfo(path.relative_to(layer).as_posix(), _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=_COMPRESSION_LEVEL)


def _point(link: Path, target: Path) -> None:
    """Make the link by rename: a run that reads it meanwhile sees the old layer or the new one."""
    fresh = link.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.name)
    fresh.replace(link)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Build the layer that the Lambda functions import from.")
    parser.add_argument("--platform", choices=sorted(_PLATFORMS), default="local", help="this interpreter, or AWS's")
    layer = build(parser.parse_args().platform)
    zipped_mib = layer.archive.stat().st_size / _MIB
    print(f"{layer.path.relative_to(REPOSITORY)}: {layer.size_mib:.0f} MiB of {LIMIT_MIB}, {zipped_mib:.0f} MiB zipped")


if __name__ == "__main__":
    main()
