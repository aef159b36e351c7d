"""Zips of the functions: the same bytes for the same code, and each imports with its layer alone."""

import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from infra import code, layer
from infra.settings import REPOSITORY

FUNCTIONS = sorted(path.parent.name for path in REPOSITORY.glob("lambdas/*/handler.py"))


@pytest.fixture
def copy(tmp_path) -> Path:
    """The sources at another place, with other times and with what Python leaves beside them."""
    for folder in ("comal", "lambdas"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, copy_function=shutil.copyfile)
    cache = tmp_path / "comal/__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "names.cpython-311.pyc").write_bytes(b"compiled")
    return tmp_path


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_same_code_gives_the_same_bytes(function, copy):
    assert code.pack(function) == code.pack(function, copy)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_zip_holds_its_function_and_the_kit_and_nothing_else(function):
    with zipfile.ZipFile(io.BytesIO(code.pack(function))) as archive:
        names = archive.namelist()
    assert f"lambdas/{function}/handler.py" in names
    assert all(name.endswith(".py") for name in names)
    folders = {tuple(name.split("/")[:2]) for name in names}
    assert {folder[1] for folder in folders if folder[0] == "lambdas"} == {"__init__.py", function}
    assert ("comal", "cli") not in folders


def test_a_zip_is_written_only_when_its_code_changed(tmp_path):
    first = code.build("clean_up", tmp_path)
    written = first.path.stat().st_mtime_ns
    assert code.build("clean_up", tmp_path) == first
    assert first.path.stat().st_mtime_ns == written


@pytest.fixture(scope="session")
def layer_tree() -> Path:
    return layer.build("local").path / "python"


@pytest.fixture(scope="session")
def runtime(tmp_path_factory) -> Path:
    """What Lambda's Python brings along: boto3 and what it needs."""
    folder = tmp_path_factory.mktemp("runtime")
    installed = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        (folder / name).symlink_to(installed / name)
    return folder


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_handler_imports_with_its_zip_its_layer_and_the_runtime_alone(function, layer_tree, runtime, tmp_path):
    built = code.build(function, tmp_path)
    program = (
        "import sys, importlib\n"
        f"sys.path[:0] = {[str(built.path), str(layer_tree), str(runtime)]!r}\n"
        f"handler = importlib.import_module('lambdas.{function}.handler')\n"
        "assert callable(handler.handle)\n"
        "assert 'pandas' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr


def test_pandas_is_in_no_layer(layer_tree):
    assert not list(layer_tree.glob("pandas*"))
