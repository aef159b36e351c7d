"""A model that grew round by round, looked at as it was after some of them."""

from typing import Protocol, runtime_checkable

import numpy as np

from comal.recipe import Recipe
from comal.run_record import Curve, Structure
from training.calibrated_model import CalibratedModel
from training.evaluate import HeldOut, predict
from training.metrics import metrics
from training.model import Model, TrainedModel
from training.prepared_model import PreparedModel, prepared
from training.rows import Rows

# Rows and rounds that show a curve; all of them would cost as much as the fit.
_MOST_ROWS = 2000
_MOST_POINTS = 25


@runtime_checkable
class Grown(Protocol):
    """A model that can say so."""

    @property
    def rounds(self) -> int:
        """Rounds that it grew in."""
        ...

    def after(self, rounds: int) -> Model:
        """The model as it was after so many rounds."""
        ...

    def structure(self) -> Structure:
        """Its trees, counted."""
        ...


def structure_of(trained: TrainedModel, recipe: Recipe) -> Structure:
    """What was fitted; of a team's own model the number of features only, as it may be anything."""
    grown = _inner(trained.model)
    if isinstance(grown, Grown) and recipe.training.fit is None:
        return grown.structure()
    return Structure(features=len(trained.schema.features))


def learning_curve(trained: TrainedModel, rows: Rows, held_out: HeldOut, recipe: Recipe) -> Curve | None:
    """The gate's metric by round; None for a model that has no rounds, and where some rows do not define the metric.

    Nothing is fitted for it, and nothing that was fitted depends on it: the held-out rows are looked at afterwards.
    """
    grown = _inner(trained.model)
    if not isinstance(grown, Grown) or recipe.training.fit is not None:
        return None
    rng = np.random.default_rng(recipe.training.seed)
    samples = []
    for mask in (rows.training, rows.held_out):
        chosen = np.zeros(len(mask), dtype=bool)
        chosen[rng.permutation(np.flatnonzero(mask))[:_MOST_ROWS]] = True
        samples.append(HeldOut(rows.batches, chosen, held_out.schema, rows.matrix[chosen], held_out.target))
    rounds = np.unique(np.geomspace(1, grown.rounds, _MOST_POINTS).round().astype(int)).tolist()
    found: list[list[float]] = []
    for sample in samples:
        values = [_metric(_cut(trained, grown, count), sample, recipe) for count in rounds]
        known = [value for value in values if value is not None]
        if len(known) < len(rounds):
            return None
        found.append(known)
    return Curve(metric=recipe.metric, rounds=rounds, training=found[0], held_out=found[1])


def _inner(model: Model) -> Model:
    while isinstance(model, PreparedModel | CalibratedModel):
        model = model.inner
    return model


def _cut(trained: TrainedModel, grown: Grown, rounds: int) -> TrainedModel:
    return TrainedModel(trained.schema, prepared(grown.after(rounds), trained.schema))


def _metric(trained: TrainedModel, sample: HeldOut, recipe: Recipe) -> float | None:
    found = predict(trained, sample.matrix, sample)
    names, quantile = [recipe.metric], recipe.training.quantile
    return metrics(recipe.task, found.actual, found.predicted, names, quantile=quantile).get(recipe.metric)
