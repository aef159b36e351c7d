"""Artifacts that would run code, leave their folder or fill the disk are refused with their reason; none is loaded."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from comal.archive import Limits
from comal.artifact_check import check_artifact
from comal.errors import AlgorithmError


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self):
        return os.system, (f"touch {self.proof}",)


@pytest.fixture
def proof(tmp_path):
    return tmp_path / "executed"


def packed(name: str, content: bytes) -> io.BytesIO:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    sink.seek(0)
    return sink


def zipped(name: str, content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, content)
    return sink.getvalue()


WRAPPINGS = {
    "as it is": lambda data: data,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zlib": zlib.compress,
    "zip": lambda data: zipped("archive/data", data),
    "zip in zip": lambda data: zipped("inner", zipped("data", data)),
    "gzip in zip": lambda data: zipped("data", gzip.compress(data)),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_pickle_is_found_under_an_innocent_name_however_it_is_wrapped(wrapping, protocol, proof):
    data = WRAPPINGS[wrapping](pickle.dumps(Payload(proof), protocol))
    with pytest.raises(AlgorithmError, match=r"model\.ubj.*is a pickle that calls code"):
        check_artifact(packed("model.ubj", data))
    assert not proof.exists()


def test_a_pickle_that_breaks_off_after_its_call_is_found(proof):
    data = pickle.dumps(Payload(proof), 4)[:-1]
    with pytest.raises(AlgorithmError, match="calls code"):
        check_artifact(packed("model.json", data))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "a/b.PICKLE"])
def test_a_pickle_by_its_name_is_refused_whatever_it_holds(name):
    with pytest.raises(AlgorithmError, match="by its name"):
        check_artifact(packed(name, b"{}"))


def test_python_objects_in_a_numpy_file_are_refused():
    sink = io.BytesIO()
    np.save(sink, np.array([{}], dtype=object))
    with pytest.raises(AlgorithmError, match="Python objects"):
        check_artifact(packed("weights.npy", sink.getvalue()))


def test_numbers_in_a_numpy_file_pass():
    sink = io.BytesIO()
    np.savez(sink, weights=np.arange(10.0))
    assert [str(path) for path in check_artifact(packed("weights.npz", sink.getvalue()))] == ["weights.npz"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"tree\nversion=v4\n", b"(1.", b"c.", b"{L\x00\x00\x00", b"x,y\n1,2\n", "Código".encode(), b"."],
)
def test_texts_and_numbers_pass(content):
    check_artifact(packed("model.txt", content))


def test_a_bomb_inside_a_member_is_refused():
    with pytest.raises(AlgorithmError, match="unpacks to more than"):
        check_artifact(packed("model.bin", gzip.compress(bytes(65 << 20))))


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b"])
def test_names_that_lead_out_of_the_folder_are_refused(name):
    with pytest.raises(AlgorithmError, match="leads out of the folder"):
        check_artifact(packed(name, b"{}"))


def test_a_link_is_refused():
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.json")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    sink.seek(0)
    with pytest.raises(AlgorithmError, match="is a link"):
        check_artifact(sink)


def test_the_archives_own_limits_hold():
    with pytest.raises(AlgorithmError, match="more than 10 bytes"):
        check_artifact(packed("model.json", bytes(11)), Limits(max_bytes=10))
