"""The files of a transform job, shared out over its instances: each file is one instance's, its answers go to disk.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from localcloud.aws.sagemaker.errors import ContainerFailure
from localcloud.aws.sagemaker.s3_access import RoleS3, S3Uri
from localcloud.aws.sagemaker.transform_client import TransformClient
from localcloud.aws.sagemaker.transform_records import Payload, Records


@dataclass(frozen=True, slots=True)
class TransformFile:
    """One input.

    Attributes:
        source: Where it is read from.
        target: Where its output goes.
        path: Where it lies meanwhile.
    """

    source: S3Uri
    target: S3Uri
    path: Path

    @property
    def output(self) -> Path:
        """Where its output lies meanwhile."""
        return self.path.with_name(f"{self.path.name}.out")


class TransformFiles:
    """Transforms files with a number of instances, each of which takes a number of requests at a time."""

    def __init__(self, s3: RoleS3, records: Records, check_stop: Callable[[], None]) -> None:
        self._s3 = s3
        self._records = records
        self._check_stop = check_stop

    def run(
        self, files: Sequence[TransformFile], clients: Sequence[TransformClient], concurrent: int
    ) -> dict[TransformFile, ContainerFailure]:
        """Transforms what can be transformed; the output of each file lies beside it then.

        Args:
            files: What is to be done.
            clients: One for each instance.
            concurrent: Requests under way at each instance.

        Returns:
            What went wrong, by file; such a file has no output, and the others do not suffer.
        """
        queue, failures = _Queue(files), dict[TransformFile, ContainerFailure]()
        with ExitStack() as stack:
            # A file that is one request keeps one of an instance's places busy: as many files as there are places.
            readers = stack.enter_context(ThreadPoolExecutor(len(clients) * concurrent, "transform-file"))
            ends = []
            for client in clients:
                askers = stack.enter_context(ThreadPoolExecutor(concurrent, "transform-request"))
                places = _Places(client, askers, concurrent)
                ends += [
                    readers.submit(self._work, queue, places, failures) for _ in range(min(concurrent, len(files)))
                ]
            for end in ends:
                end.result()
        return failures

    def _work(self, queue: "_Queue", places: "_Places", failures: dict[TransformFile, ContainerFailure]) -> None:
        for file in queue:
            self._check_stop()
            try:
                self._transform(file, places)
            except ContainerFailure as failure:
                failures[file] = failure

    def _transform(self, file: TransformFile, places: "_Places") -> None:
        self._s3.download(file.source, file.path)
        with file.output.open("wb") as output:
            places.answer_all(self._records.payloads(file.path), self._writer(output))
        file.path.unlink()

    def _writer(self, output: BinaryIO) -> Callable[[Payload, bytes], object]:
        return lambda payload, answer: output.write(self._records.output(payload, answer))


class _Queue:
    """Files that nobody has taken yet; any number of threads iterate over it."""

    def __init__(self, files: Sequence[TransformFile]) -> None:
        self._files = deque(files)

    def __iter__(self) -> Iterator[TransformFile]:
        while True:
            try:
                yield self._files.popleft()
            except IndexError:
                return


class _Places:
    """Requests that may be under way at one instance; one that was answered gives its place back once it is written."""

    def __init__(self, client: TransformClient, askers: ThreadPoolExecutor, count: int) -> None:
        self._client = client
        self._askers = askers
        self._free = threading.Semaphore(count)

    def answer_all(self, payloads: Iterator[Payload], write: Callable[[Payload, bytes], object]) -> None:
        """Asks about every payload of a file, and writes the answers in the order of the payloads."""
        under_way: deque[tuple[Payload, Future[bytes]]] = deque()

        def write_oldest() -> None:
            payload, answer = under_way.popleft()
            try:
                write(payload, answer.result())
            finally:
                self._free.release()

        try:
            for payload in payloads:
                # Who holds places writes what he has before he waits for another: so nobody waits for himself.
                while not self._free.acquire(blocking=not under_way):
                    write_oldest()
                under_way.append((payload, self._askers.submit(self._client.ask, payload.body)))
            while under_way:
                write_oldest()
        finally:
            for _, answer in under_way:
                answer.cancel()
                self._free.release()
