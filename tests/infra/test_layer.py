"""The layer: pruned, below Lambda's limit, built once, and the same versions as the lock."""

import re
import zipfile

import pytest

from comal.errors import UserError
from infra import layer
from infra.settings import REPOSITORY

GOAL_MIB = 225


def pins(name: str) -> set[str]:
    text = (REPOSITORY / "requirements" / name).read_text()
    return set(re.findall(r"^[a-z0-9_.-]+==[^ ;\\]+", text, re.MULTILINE))


@pytest.fixture(scope="module")
def built() -> layer.Layer:
    return layer.build("local")


def test_the_layer_has_the_versions_of_the_lock():
    assert pins("layer.txt") < pins("lock.txt")


def test_the_pins_have_hashes_and_no_addresses():
    text = (REPOSITORY / "requirements/layer.txt").read_text()
    assert text.count("--hash=sha256:") >= len(pins("layer.txt"))
    assert "://" not in text


def test_the_layer_stays_below_our_goal(built):
    assert built.size_mib < GOAL_MIB < layer.LIMIT_MIB


def test_nothing_is_in_it_that_no_function_imports(built):
    with zipfile.ZipFile(built.archive) as archive:
        names = archive.namelist()
    assert all(name.startswith("python/") for name in names)
    assert not [name for name in names if re.search(r"/(tests|include|__pycache__)/|\.(pyx|pxd|h|a)$|flight", name)]


def test_it_is_built_once(built):
    assert layer.build("local") == built


def test_the_link_names_the_layer_of_its_platform(built):
    assert layer.find(layer.LAYERS_DIRECTORY / "local").parent.resolve() == built.path


def test_a_layer_that_was_not_built_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no Lambda layer at .*aws\. Run: python -m infra.layer --platform aws"):
        layer.find(tmp_path / "aws")


def test_a_layer_of_other_requirements_is_refused(tmp_path):
    old = tmp_path / "0123456789abcdef-local"
    old.mkdir()
    (old / layer.ARCHIVE).touch()
    (tmp_path / "local").symlink_to(old)
    with pytest.raises(UserError, match="was built from other requirements"):
        layer.find(tmp_path / "local")


def test_other_requirements_make_another_layer(tmp_path):
    requirements = tmp_path / "layer.txt"
    requirements.write_text("jinja2==3.1.6\n")
    assert layer.folder_name("local", requirements) != layer.folder_name("local")
    assert layer.folder_name("aws") != layer.folder_name("local")


def test_a_layer_above_the_limit_is_refused():
    layer.check_size(layer.LIMIT_MIB)
    with pytest.raises(UserError, match="The layer holds 251 MiB, and Lambda takes 250 MiB"):
        layer.check_size(251)
