import io
import tarfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comal.archive import Limits, extract, read_members
from comal.errors import AlgorithmError


def _entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, linkname: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, linkname
    return info


def _pack(*entries: tuple[tarfile.TarInfo, bytes], pax_headers: dict[str, str] | None = None) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", pax_headers=pax_headers) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def _file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return _entry(name, size=len(content)), content


def _all_files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_files_and_folders_are_unpacked_as_they_were(tmp_path: Path) -> None:
    archive = _pack((_entry(".", tarfile.DIRTYPE), b""), _file("./a.json", b"{}"), _file("deep/er/b.bin", b"\0\1"))
    paths = extract(archive, tmp_path / "out")
    assert paths == [PurePosixPath("a.json"), PurePosixPath("deep/er/b.bin")]
    assert _all_files(tmp_path / "out") == {"a.json": b"{}", "deep/er/b.bin": b"\0\1"}


def test_an_archive_may_be_a_path(tmp_path: Path) -> None:
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(_pack(_file("a", b"1")).getvalue())
    extract(packed, tmp_path / "out")
    assert read_members(packed, ["a"]) == {"a": b"1"}
    assert _all_files(tmp_path / "out") == {"a": b"1"}


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}\.json", fullmatch=True), st.binary(max_size=20_000), max_size=5))
def test_whatever_was_packed_is_read_back(contents: dict[str, bytes]) -> None:
    archive = _pack(*(_file(name, content) for name, content in contents.items()))
    assert read_members(archive, contents.keys()) == contents


@pytest.mark.parametrize(
    "entry",
    [
        _file("/etc/passwd"),
        _file("../escape"),
        _file("a/../../escape"),
        _file("a\\..\\escape"),
        (_entry("link", tarfile.SYMTYPE, linkname="/etc"), b""),
        (_entry("hard", tarfile.LNKTYPE, linkname="a"), b""),
        (_entry("disk", tarfile.BLKTYPE), b""),
        (_entry("tty", tarfile.CHRTYPE), b""),
        (_entry("pipe", tarfile.FIFOTYPE), b""),
    ],
    ids=lambda entry: str(entry[0].name),
)
def test_what_could_leave_the_folder_is_refused(tmp_path: Path, entry: tuple[tarfile.TarInfo, bytes]) -> None:
    with pytest.raises(AlgorithmError, match="refused"):
        extract(_pack(entry), tmp_path / "out")
    assert _all_files(tmp_path) == {}
    with pytest.raises(AlgorithmError, match="refused"):
        read_members(_pack(entry), ["a"])


def test_a_file_behind_a_link_is_never_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = _pack((_entry("door", tarfile.SYMTYPE, linkname=str(outside)), b""), _file("door/evil"))
    with pytest.raises(AlgorithmError, match="link"):
        extract(archive, tmp_path / "out")
    assert _all_files(tmp_path) == {}


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_one_name_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(AlgorithmError, match="twice"):
        extract(_pack(*(_file(name) for name in names)), tmp_path / "out")


def test_one_name_twice_is_refused_in_memory_too() -> None:
    with pytest.raises(AlgorithmError, match="twice"):
        read_members(_pack(_file("a", b"1"), _file("a", b"2")), ["a"])


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    archive = _pack(*(_file(str(number)) for number in range(4)))
    with pytest.raises(AlgorithmError, match="more than 3 files"):
        extract(archive, tmp_path / "out", Limits(max_members=3))


def test_too_many_bytes_are_refused_before_they_are_written(tmp_path: Path) -> None:
    archive = _pack(_file("a", b"x" * 60), _file("b", b"x" * 60))
    with pytest.raises(AlgorithmError, match="more than 100 bytes"):
        extract(archive, tmp_path / "out", Limits(max_bytes=100))
    assert _all_files(tmp_path / "out") == {"a": b"x" * 60}


def test_a_bomb_is_refused_while_it_unpacks(tmp_path: Path) -> None:
    archive = _pack(_file("zeros", bytes(40 << 20)))
    with pytest.raises(AlgorithmError, match="250 times its size"):
        extract(archive, tmp_path / "out")


def test_a_small_file_may_shrink_by_any_factor(tmp_path: Path) -> None:
    extract(_pack(_file("zeros", bytes(4 << 20))), tmp_path / "out")


def test_a_header_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    archive = _pack(_file("a"), pax_headers={"comment": "x" * (8 << 20)})
    with pytest.raises(AlgorithmError, match="header"):
        extract(archive, tmp_path / "out")


@pytest.mark.parametrize("damage", [b"", b"no archive", b"\x1f\x8b\x08\x00 broken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(AlgorithmError, match=r"no complete tar\.gz"):
        extract(io.BytesIO(damage), tmp_path / "out")


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    whole = _pack(_file("a", bytes(range(256)) * 400)).getvalue()
    with pytest.raises(AlgorithmError, match=r"no complete tar\.gz"):
        extract(io.BytesIO(whole[: len(whole) // 2]), tmp_path / "out")


def test_absent_members_are_named() -> None:
    with pytest.raises(AlgorithmError, match=r"lacks b\.json, c\.json"):
        read_members(_pack(_file("a.json")), ["a.json", "c.json", "b.json"])
