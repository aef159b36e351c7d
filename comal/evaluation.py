"""What a training job says of its model: challenger and champion scored on the same held-out rows."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

FILE_NAME = "evaluation.json"


class Scores(BaseModel):
    """Metrics of one model on the held-out rows."""

    model_config = ConfigDict(extra="forbid")

    metrics: dict[str, float]


class ChampionScores(Scores):
    """Metrics of the champion, with the version that was scored.

    `unscored` says why the champion could not be scored on these rows (a changed schema, an unreadable
    artifact); metrics are empty then.
    """

    version: int
    model_package_arn: str
    unscored: str = ""


class RecentScores(BaseModel):
    """Challenger and champion on the held-out rows of batches that came after the champion was trained.

    Those rows show the world as it is now, where the others may be what the champion learned from.
    """

    model_config = ConfigDict(extra="forbid")

    batches: int
    held_out_rows: int
    challenger: dict[str, float]
    champion: dict[str, float]


class Gain(BaseModel):
    """How much better the challenger is than the champion on the same held-out rows, with a paired bootstrap interval.

    In units of the metric; positive where the challenger is better, whichever way the metric runs.
    """

    model_config = ConfigDict(extra="forbid")

    value: float
    low: float
    high: float
    confidence: float


class SliceScores(BaseModel):
    """The gate's metric of both models on the held-out rows with one value of one column."""

    model_config = ConfigDict(extra="forbid")

    column: str
    value: str
    rows: int
    challenger: float
    champion: float


class Evaluation(BaseModel):
    """The evaluation.json of one run.

    `gain` and `slices` are there where there is a champion that can be scored, `slices` for the columns of
    `gate.slices`. `baseline` predicts the training rows' mean (regression) or class frequencies (classification).
    `recent` is absent without a champion that can be scored, and where it was trained on every batch.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    model: str
    run_id: str
    task: str
    metric: str
    trained_rows: int
    held_out_rows: int
    challenger: Scores
    champion: ChampionScores | None = None
    baseline: Scores
    recent: RecentScores | None = None
    gain: Gain | None = None
    slices: list[SliceScores] = []
