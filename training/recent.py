"""Challenger and champion on the newest rows: the held-out ones of batches that the champion was not trained on."""

import numpy as np
from pydantic import ValidationError

from comal.archive import read_members
from comal.errors import ComalError
from comal.evaluation import RecentScores
from comal.lineage import FILE_NAME, Lineage
from training.channels import Champion
from training.evaluate import HeldOut, predict, predict_champion, score
from training.model import TrainedModel


def score_recent(trained: TrainedModel, champion: Champion, held_out: HeldOut) -> RecentScores | None:
    """Metrics of both models on the recent rows; None where there are none, or the champion cannot be scored.

    The other held-out rows come from batches whose remaining rows the champion learned from, and may be older than a
    change that the challenger was trained for.
    """
    known = _batches_of(champion)
    new = np.array([batch.key not in known for batch in held_out.batches])
    recent = held_out.only(np.repeat(new, [batch.rows for batch in held_out.batches]))
    if not known or not len(recent.actual):
        return None
    try:
        rival = predict_champion(champion, recent)
    except ComalError:  # ChampionScores.unscored tells it
        return None
    return RecentScores(
        batches=int(new.sum()),
        held_out_rows=len(recent.actual),
        challenger=score(predict(trained, recent.matrix, recent), recent).metrics,
        champion=score(rival, recent).metrics,
    )


def _batches_of(champion: Champion) -> frozenset[str]:
    """Keys of the batches that the champion was trained on; none where its archive does not say.

    What is wrong with the archive is told by ChampionScores.unscored.
    """
    try:
        lineage = Lineage.model_validate_json(read_members(champion.archive, [FILE_NAME])[FILE_NAME])
    except (ComalError, ValidationError, OSError):
        return frozenset()
    return frozenset(entry.key for entry in lineage.inputs)
