import io
import tarfile
from pathlib import Path

import pytest

from localcloud.aws.sagemaker.archive import extract_archive, write_archive
from localcloud.aws.sagemaker.errors import ContainerFailure


def make_archive(path: Path, *members: tarfile.TarInfo, content: bytes = b"x") -> Path:
    archive = path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for member in members:
            if member.isreg():
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return archive


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_what_is_packed_comes_out_again(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "a").write_text("1")
    (source / "deep/b").write_text("2")
    archive = tmp_path / "model.tar.gz"
    write_archive(list(source.iterdir()), archive)
    extract_archive(archive, tmp_path / "out")
    assert (tmp_path / "out/a").read_text() == "1"
    assert (tmp_path / "out/deep/b").read_text() == "2"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (tarfile.TarInfo("../evil"), "leaves the directory"),
        (tarfile.TarInfo("/etc/evil"), "leaves the directory"),
        (tarfile.TarInfo("a/../../evil"), "leaves the directory"),
        (link("passwords", "/etc/passwd", tarfile.SYMTYPE), "neither a file nor a directory"),
        (link("hard", "a", tarfile.LNKTYPE), "neither a file nor a directory"),
        (link("pipe", "", tarfile.FIFOTYPE), "neither a file nor a directory"),
    ],
)
def test_an_archive_that_reaches_out_is_refused(tmp_path: Path, member: tarfile.TarInfo, reason: str) -> None:
    archive = make_archive(tmp_path, member)
    with pytest.raises(ContainerFailure, match=reason):
        extract_archive(archive, tmp_path / "out/model")
    assert not (tmp_path / "evil").exists()


def test_a_bomb_is_refused_by_size_and_by_count(tmp_path: Path) -> None:
    archive = make_archive(tmp_path, tarfile.TarInfo("zeros"), content=bytes(1_000_000))
    assert archive.stat().st_size < 10_000
    with pytest.raises(ContainerFailure, match="larger than 1000 bytes"):
        extract_archive(archive, tmp_path / "out", max_bytes=1000)
    assert not (tmp_path / "out/zeros").exists()
    archive = make_archive(tmp_path, *[tarfile.TarInfo(str(number)) for number in range(5)])
    with pytest.raises(ContainerFailure, match="more than 4 members"):
        extract_archive(archive, tmp_path / "out", max_members=4)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    archive = make_archive(tmp_path, tarfile.TarInfo("a"), content=b"abc" * 10_000)
    archive.write_bytes(archive.read_bytes()[:60])
    with pytest.raises(ContainerFailure, match="cannot be read"):
        extract_archive(archive, tmp_path / "out")
