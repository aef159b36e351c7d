"""Predictions as the answer's JSON."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from training.matrix import Matrix
from training.model import TrainedModel
from training.schema import Label
from training.serve.explanation import Explanations


class Answers:
    """Predicts with one model and writes what callers read.

    Regression answers {"prediction": number}; two classes {"prediction": label, "probability": of the positive (second)
    class}; more classes {"prediction": label, "probabilities": {label: probability}}.
    """

    def __init__(self, trained: TrainedModel, version: str | None) -> None:
        self._model = trained.model
        self._task = trained.schema.task
        self._classes = trained.schema.classes
        self._names = [_key(label) for label in trained.schema.classes]
        self._version = version
        self._explanations = Explanations(trained)

    def answer(self, matrix: Matrix, *, explains: bool = False) -> bytes:
        """The JSON answer to a request's rows, with what each feature added where that is asked for."""
        predicted = self._model.predict(matrix)
        body: dict[str, Any] = {"predictions": self._rows(predicted), "model_version": self._version}
        if explains:
            for row, explanation in zip(body["predictions"], self._explanations.rows(matrix), strict=True):
                row.update(explanation)
            body["contributions_add_up_to"] = self._explanations.adds_up_to
        # float32 is written with the fewest digits that give the same float32 back
        return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)

    def _rows(self, predicted: NDArray[np.float32]) -> list[dict[str, Any]]:
        if self._task == "regression":
            return [{"prediction": value} for value in predicted]
        best = predicted.argmax(axis=1)
        if self._task == "binary":
            return [
                {"prediction": self._classes[winner], "probability": probability}
                for winner, probability in zip(best, predicted[:, 1], strict=True)
            ]
        return [
            {"prediction": self._classes[winner], "probabilities": dict(zip(self._names, row, strict=True))}
            for winner, row in zip(best, predicted, strict=True)
        ]


def _key(label: Label) -> str:
    """A label as a JSON key."""
    return str(label).lower() if isinstance(label, bool) else str(label)
