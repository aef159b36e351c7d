"""A fit's checkpoint: what a job that SageMaker starts again goes on from, in one file of /opt/ml/checkpoints.

The fit then ends with the model that it would have ended with, unless it draws rows or columns at random (subsample and
the like): XGBoost does not tell how far its draws are, so these go on with others.
SageMaker copies the folder to S3 while the job runs, and back before it starts the job again, as after a spot
interruption. https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comal.recipe import Recipe
from training.matrix import Matrix
from training.progress import say

FILE_NAME = "fit.checkpoint"
# Saving takes a fiftieth of the fit's time at most, and no fit of less than half a second is saved.
_SHORTEST_S = 0.5
_REST_PER_SAVE = 50


class Checkpoint:
    """The checkpoint of one fit: a line of JSON that says what it is of, then the model.

    It belongs to the recipe and the very rows: one of others, or one that is damaged, is named and not taken up.
    """

    def __init__(self, folder: Path, recipe: Recipe, matrix: Matrix, target: NDArray[np.float64]) -> None:
        self._path = folder / FILE_NAME
        self._recipe = recipe
        self._rows = matrix, target
        self._identity = ""
        self._due = time.monotonic() + _SHORTEST_S

    def load(self) -> tuple[int, bytes] | None:
        """Rounds that are done and the model after them; None to begin anew."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        header, _, model = content.partition(b"\n")
        try:
            found = json.loads(header)
            rounds, identity, digest = int(found["rounds"]), found["identity"], found["sha256"]
        except (ValueError, KeyError, TypeError):
            rounds, identity, digest = 0, "", ""
        if digest != hashlib.sha256(model).hexdigest():
            self._ignore("it is damaged")
            return None
        if identity != self._of_these_rows():
            self._ignore("it is of another recipe or other rows")
            return None
        say(f"Going on after round {rounds}, from a checkpoint.")
        return rounds, model

    def save_if_due(self, rounds: int, model: Callable[[], bytes]) -> None:
        """Replace the checkpoint, if the last one is old enough; one that is half-written is never seen."""
        started = time.monotonic()
        if started < self._due:
            return
        content = model()
        header = {
            "rounds": rounds,
            "identity": self._of_these_rows(),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        begun = self._path.with_suffix(".begun")
        begun.write_bytes(json.dumps(header).encode() + b"\n" + content)
        begun.replace(self._path)
        ended = time.monotonic()
        self._due = ended + max(_SHORTEST_S, _REST_PER_SAVE * (ended - started))

    def _of_these_rows(self) -> str:
        if not self._identity:
            digest = hashlib.sha256(self._recipe.model_dump_json().encode())
            for rows in self._rows:
                digest.update(np.ascontiguousarray(rows).data)
            self._identity = digest.hexdigest()
        return self._identity

    def _ignore(self, why: str) -> None:
        say(f"The checkpoint {self._path} is not taken up: {why}. The fit begins anew.")
