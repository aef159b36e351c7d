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


def deflated(data: bytes, window_bits: int) -> bytes:
    packer = zlib.compressobj(wbits=window_bits)
    return packer.compress(data) + packer.flush()


def tarred(name: str, content: bytes, magic: bytes = tarfile.POSIX_MAGIC) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    header = bytearray(member.tobuf(tarfile.USTAR_FORMAT))
    header[257:265] = magic
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    return bytes(header) + content.ljust(-(-len(content) // 512) * 512, b"\0") + bytes(1024)


def numpy_file(header: str) -> bytes:
    """An array's first bytes with a header of one's own, and no content."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


WRAPPINGS = {
    "as it is": lambda data: data,
    "behind another pickle": lambda data: pickle.dumps([1, 2]) + pickle.dumps("text") + data,
    "behind a number that only C reads": lambda data: b"I0x1\n0" + data,
    "behind a NUL that C reads as a number": lambda data: b"I\0\n0" + data,
    "behind an import by a name that no code has": lambda data: b"cre\na b\n0" + data,
    "before something else": lambda data: data + b"rest",
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "tar": lambda data: tarred("data", data),
    "tar.gz": lambda data: gzip.compress(tarred("data", data)),
    "zip behind other bytes": lambda data: b"\0\0\0\0" + zipped("data", data),
    "tar of before 1988": lambda data: tarred("data", data, magic=b"\0" * 8),
    "lzma with a dictionary of a size of its own": lambda data: lzma.compress(
        data, format=lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 4352}]
    ),
    "lzma with properties of its own": lambda data: lzma.compress(
        data, format=lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "lc": 0, "pb": 0}]
    ),
    **{f"zlib with a window of 2^{bits}": lambda data, bits=bits: deflated(data, bits) for bits in range(9, 15)},
    "two streams of lzma": lambda data: b"".join(
        lzma.compress(part, format=lzma.FORMAT_ALONE) for part in (pickle.dumps("a note"), data)
    ),
    "two streams of zlib": lambda data: zlib.compress(pickle.dumps("a note")) + zlib.compress(data),
    "bz2 before a zip": lambda data: bz2.compress(data) + zipped("note.txt", b"hi"),
    "xz before a zip": lambda data: lzma.compress(data) + zipped("note.txt", b"hi"),
    "zlib before a zip": lambda data: zlib.compress(data) + zipped("note.txt", b"hi"),
    "zlib that breaks off": lambda data: zlib.compress(data + os.urandom(9_000))[:-4_000] + bytes(4_000),
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zlib": zlib.compress,
    "joblib's old format": lambda data: b"ZF" + hex(len(data)).encode().ljust(19) + zlib.compress(data),
    "joblib's older format": lambda data: b"ZF" + hex(len(data)).encode().ljust(19) + b" " + zlib.compress(data),
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


def test_a_gzip_with_something_else_behind_it_is_refused(proof):
    data = gzip.compress(pickle.dumps(Payload(proof))) + zipped("note.txt", b"hi")
    with pytest.raises(AlgorithmError, match="is compressed and cannot be read"):
        check_artifact(packed("model.ubj", data))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_breaks_off_after_its_call_is_found(proof, protocol):
    data = pickle.dumps(Payload(proof), protocol)[:-1] + b"\xff"
    with pytest.raises(AlgorithmError, match="calls code"):
        check_artifact(packed("model.json", data))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrapping", [bytes, gzip.compress, lambda data: pickle.dumps("text", 0) + data])
def test_a_pickle_that_tells_its_protocol_is_refused_though_it_calls_nothing(protocol, wrapping):
    data = wrapping(pickle.dumps({"a": [1]}, protocol))
    with pytest.raises(AlgorithmError, match=r"'model\.ubj' is a pickle\."):
        check_artifact(packed("model.ubj", data))


@pytest.mark.parametrize(
    "content",
    [pickle.dumps({"a": [1]}, 0), pickle.dumps([1], 1), b"\x80\x02]", b"\x80\x06N.", b"\x80\x04\xff"],
    ids=["protocol 0", "protocol 1", "no end", "no known protocol", "no opcode"],
)
def test_data_that_only_looks_like_a_pickle_passes(content):
    check_artifact(packed("model.bin", content))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "a/b.PICKLE"])
def test_a_pickle_by_its_name_is_refused_whatever_it_holds(name):
    with pytest.raises(AlgorithmError, match="by its name"):
        check_artifact(packed(name, b"{}"))


def test_python_objects_in_a_numpy_file_are_refused():
    sink = io.BytesIO()
    np.save(sink, np.array([{}], dtype=object))
    with pytest.raises(AlgorithmError, match="Python objects"):
        check_artifact(packed("weights.npy", sink.getvalue()))


@pytest.mark.parametrize(
    "descr",
    ["'O'", '"|O"', "[" + ", ".join(f"('field{number}', '<f8')" for number in range(3)) + ", ('last', 'O')]"],
)
def test_python_objects_in_a_numpy_file_are_refused_however_its_header_is_written(descr):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}"
    with pytest.raises(AlgorithmError, match="Python objects"):
        check_artifact(packed("weights.npy", numpy_file(header)))


def test_a_numpy_file_without_a_header_that_can_be_read_is_refused():
    with pytest.raises(AlgorithmError, match="no array of numpy's"):
        check_artifact(packed("weights.npy", numpy_file("__import__('os')")))


@pytest.mark.parametrize("magic", [b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd"])
def test_what_cannot_be_looked_into_is_refused(magic):
    with pytest.raises(AlgorithmError, match="not looked into"):
        check_artifact(packed("model.bin", magic + bytes(100)))


def test_numbers_in_a_numpy_file_pass():
    sink = io.BytesIO()
    np.savez(sink, weights=np.arange(10.0))
    assert [str(path) for path in check_artifact(packed("weights.npz", sink.getvalue()))] == ["weights.npz"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"tree\nversion=v4\n",
        b"(1.",
        b"c.",
        b"{L\x00\x00\x00",
        b"x,y\n1,2\n",
        "Código".encode(),
        b".",
        b"city,store\nnorte,5\nRoma,6\n",
        b"id: 5\nrows: 3\n",
        b"c\n\nR",
        b"coef\n",
        b"cat\ndog\nbird\n",
        b"income\nage\nzip\n",
        b"id\nname\n",
        b"country\nregion\nbalance\n",
        b"x^2 + y",
        b"codecs\nmetavar\nchi_square\ncolsample\nprod\nbegins\n",
        b"cat\ndog\ncow\nhen\nInn\nbird\n",
        b"]\0 and the rest",
        b"h\x05 and the rest",
        b"cat\ndog\ncow\nhorse\nbear\n",
        b"car\nbus\ncab\ntaxi\nbike\n",
        b"chicago\nboston\ncleveland\natlanta\nbuffalo\n",
        b"cat\ndog\ncow\nhen\nant\nSt. Louis\n",
        b"coral snake\nbig dog\ncow\nhen\ncub\nbat\nsheep\n",
        "cabbage\nkale\ncress\nchard\nbeet\ncaf\u00e9 (black)\n".encode(),
        b"car.png\nbus.png\ncab.png\ntaxi.png\nbike.png\n",
        b"(in brackets)\nand more\n",
    ],
)
def test_texts_and_numbers_pass(content):
    check_artifact(packed("model.txt", content))


def many_zipped(count: int, size: int) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            archive.writestr(f"part{number}", bytes(size))
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [gzip.compress(bytes(3 << 20)), many_zipped(5, 1 << 19), gzip.compress(many_zipped(5, 1 << 19))],
    ids=["one", "many small ones", "in layers"],
)
def test_a_bomb_inside_a_member_is_refused_by_all_that_it_unpacks_to(content, monkeypatch):
    monkeypatch.setattr("comal.artifact_check._LOOK_BYTES", 2 << 20)
    with pytest.raises(AlgorithmError, match="its members unpack to more than"):
        check_artifact(packed("model.bin", content))


def test_files_that_would_take_minutes_to_look_at_are_refused_also_when_they_are_many():
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for number in range(3):
            member = tarfile.TarInfo(f"part{number}.bin")
            member.size = 900_000
            tar.addfile(member, io.BytesIO(b"N" * member.size))
    sink.seek(0)
    with pytest.raises(AlgorithmError, match=r"'part2\.bin' is a pickle"):
        check_artifact(sink)


def test_many_files_inside_a_member_are_refused(monkeypatch):
    monkeypatch.setattr("comal.artifact_check._LOOK_FILES", 4)
    check_artifact(packed("model.zip", many_zipped(4, 1)))
    with pytest.raises(AlgorithmError, match="its members hold more than 4 files"):
        check_artifact(packed("model.zip", many_zipped(5, 1)))


def test_a_file_that_would_take_minutes_to_look_at_is_refused():
    with pytest.raises(AlgorithmError, match="a pickle"):
        check_artifact(packed("model.bin", b"N" * 3_000_000))


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
