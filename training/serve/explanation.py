"""Contributions as they stand beside a prediction in an answer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.explain import Explained, sum_of
from training.matrix import Matrix
from training.model import TrainedModel
from training.serve.refusal import RefusalError

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html (CustomAttributes)
HEADER = b"x-amzn-sagemaker-custom-attributes"


def asks(attributes: bytes) -> bool:
    """Whether a request's custom attributes, `key=value` separated by `;` or `,`, hold `explain=true`."""
    items = attributes.decode("latin-1").replace(",", ";").split(";")
    pairs = (item.partition("=") for item in items)
    return any(key.strip() == "explain" and value.strip().lower() == "true" for key, _, value in pairs)


class Explanations:
    """Explains one model's predictions; `adds_up_to` says what contributions and base sum to."""

    def __init__(self, trained: TrainedModel) -> None:
        self._model = trained.model
        self._features = [feature.name for feature in trained.schema.features]
        self._classes = [str(label) for label in trained.schema.classes]
        self.adds_up_to = sum_of(trained.schema)

    def rows(self, matrix: Matrix) -> list[dict[str, Any]]:
        """`contributions` by feature and `base` of each row; of three classes or more, by class first.

        Raises:
            RefusalError: The model is a team's own that cannot say.
        """
        if not isinstance(self._model, Explained):
            raise RefusalError(400, "this model is the team's own, and has no contributions(matrix) to explain with")
        return [self._row(row) for row in self._model.contributions(matrix)]

    def _row(self, outputs: NDArray[np.float64]) -> dict[str, Any]:
        named = [dict(zip(self._features, output[:-1].tolist(), strict=True)) for output in outputs]
        bases = outputs[:, -1].tolist()
        if len(named) == 1:
            return {"contributions": named[0], "base": bases[0]}
        return {
            "contributions": dict(zip(self._classes, named, strict=True)),
            "base": dict(zip(self._classes, bases, strict=True)),
        }
