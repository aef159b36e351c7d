"""A model that a study fitted or fetched, with what it says of the held-out rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from comal.recipe import Recipe
from training.evaluate import Predictions
from training.metrics import metrics
from training.model import TrainedModel


@dataclass(frozen=True)
class Fitted:
    """One model.

    Attributes:
        name: What a comparison calls it.
        recipe: What it was fitted by; the champion's, the study's.
        trained: The model with its schema.
        held_out: Its predictions for the held-out rows, beside what was so.
        report: The page of its run; the champion's is fetched by `comal experiments MODEL VERSION`.
    """

    name: str
    recipe: Recipe
    trained: TrainedModel
    held_out: Predictions
    report: Path | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics on the held-out rows: those that the registry shows of a version."""
        actual, predicted = self.held_out.actual, self.held_out.predicted
        return metrics(self.recipe.task, actual, predicted, quantile=self.recipe.training.quantile)

    @property
    def residuals(self) -> pd.DataFrame:
        """Held-out rows of a regression: actual, predicted and their difference."""
        actual, predicted = self.held_out.actual, np.asarray(self.held_out.predicted)
        return pd.DataFrame({"actual": actual, "predicted": predicted, "residual": actual - predicted})
