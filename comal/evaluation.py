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


class Evaluation(BaseModel):
    """The evaluation.json of one run.

    `baseline` predicts the training rows' mean (regression) or class frequencies (classification).
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
