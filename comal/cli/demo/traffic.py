"""Somebody who keeps asking an endpoint, and counts the answers that did not come."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from comal.cli.target import Target

PAUSE_S = 0.02


@dataclass
class Traffic:
    """Requests, one after the other, from `start` to `stop`.

    Attributes:
        target: The stack; requests are sent once, never retried, so that no failure is hidden.
        model: Whose endpoint.
        rows: What is asked, one a request, in order and over again.
        answers: Number of good answers per model version.
        failures: What went wrong, a text per failed request.
    """

    target: Target
    model: str
    rows: Sequence[dict[str, Any]]
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        connection = replace(self.target.connection, attempts=1)
        self._runtime = connection.client("sagemaker-runtime")
        self._endpoint = self.target.names.of_model(self.model)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask_until_done, name="traffic", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; returns when the last answer is there."""
        self._done.set()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def requests(self) -> int:
        """How many were sent."""
        return sum(self.answers.values()) + len(self.failures)

    def _ask_until_done(self) -> None:
        rows = itertools.cycle(self.rows)
        while not self._done.wait(PAUSE_S):
            try:
                response = self._runtime.invoke_endpoint(
                    EndpointName=self._endpoint, ContentType="application/json", Body=json.dumps(next(rows))
                )
                said = json.loads(response["Body"].read())
                self.answers[str(said["model_version"])] += 1
            except (ClientError, BotoCoreError, ValueError, KeyError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
