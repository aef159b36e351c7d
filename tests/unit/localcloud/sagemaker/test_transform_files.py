"""Files shared out over instances: every record once, in order, with any number of files, instances and requests."""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri
from localcloud.aws.sagemaker.transform_client import TransformClient
from localcloud.aws.sagemaker.transform_files import TransformFile, TransformFiles
from localcloud.aws.sagemaker.transform_parameters import settle
from localcloud.aws.sagemaker.transform_records import Records

JOB: dict[str, Any] = {
    "TransformInput": {"SplitType": "Line"},
    "TransformOutput": {"AssembleWith": "Line"},
    "BatchStrategy": "SingleRecord",
}
BAD = b"bad\n"


class FakeS3:
    """Objects by key."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def download(self, uri: S3Uri, path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_bytes(self._objects[uri.key])


class FakeClient:
    """Answers with the record itself, and knows how many requests were under way at once."""

    def __init__(self, seen: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self._seen = seen
        self.most = 0

    def ask(self, body: bytes) -> bytes:
        with self._lock:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        self._seen()
        time.sleep(0.0002 * (body[0] % 3))
        with self._lock:
            self._under_way -= 1
        if body == BAD:
            raise ContainerFailure("bad record")
        return body


def run(
    folder: Path, contents: dict[str, bytes], clients: list[FakeClient], concurrent: int, check: Callable[[], None]
) -> tuple[dict[str, bytes], set[str]]:
    """Outputs by file, and the files that failed."""
    files = [
        TransformFile(S3Uri("in", name), S3Uri("out", name), folder / str(number) / name)
        for number, name in enumerate(contents)
    ]
    work = TransformFiles(cast("RoleS3", FakeS3(contents)), Records(JOB, settle(JOB, {})), check)
    failures = work.run(files, cast("list[TransformClient]", clients), concurrent)
    outputs = {file.source.key: file.output.read_bytes() for file in files if file not in failures}
    return outputs, {file.source.key for file in failures}


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    instances=st.integers(1, 3),
    concurrent=st.integers(1, 4),
    bad=st.integers(0, 7),
)
def test_every_record_once_in_order_and_a_bad_one_costs_its_file(
    sizes: list[int], instances: int, concurrent: int, bad: int
) -> None:
    contents = {
        f"file{number}": b"".join(b"%d-%d\n" % (number, row) for row in range(size)) + (BAD if number == bad else b"")
        for number, size in enumerate(sizes)
    }
    clients = [FakeClient() for _ in range(instances)]
    with tempfile.TemporaryDirectory() as folder:
        outputs, failed = run(Path(folder), contents, clients, concurrent, lambda: None)
    assert failed == ({f"file{bad}"} if bad < len(sizes) else set())
    assert outputs == {name: body for name, body in contents.items() if name not in failed}
    assert max(client.most for client in clients) <= concurrent


def test_a_stop_ends_the_work_between_two_requests(tmp_path: Path) -> None:
    asked = threading.Event()

    class StoppedError(Exception):
        pass

    def check() -> None:
        if asked.is_set():
            raise StoppedError

    contents = {f"file{number}": b"row\n" * 3 for number in range(50)}
    with pytest.raises(StoppedError):
        run(tmp_path, contents, [FakeClient(asked.set)], 2, check)
    assert len(list(tmp_path.glob("*/*.out"))) < len(contents)
