"""The record of a training run: what it was given, what came of it by round, and what its plots are drawn from."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from comal.leaderboard import Leaderboard

FILE_NAME = "run.json"
REPORT_NAME = "report.html"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Structure(_Part):
    """What was fitted.

    Attributes:
        features: Columns that the algorithm reads.
        trees: How many there are; None for a model without trees, and for a team's own.
        depth: Of the deepest tree.
        leaves: Of all trees.
    """

    features: int
    trees: int | None = None
    depth: int | None = None
    leaves: int | None = None


class Curve(_Part):
    """The gate's metric after so many rounds, on some training rows and some held-out rows."""

    metric: str
    rounds: list[int]
    training: list[float]
    held_out: list[float]


class Data(_Part):
    """The rows of the run.

    Attributes:
        sha256: Of the digests of all batches, whatever their order.
    """

    batches: int
    trained_rows: int
    held_out_rows: int
    sha256: str


class Line(_Part):
    """A named line of a plot."""

    name: str
    x: list[float]
    y: list[float]


class Effect(_Part):
    """How much a feature matters, with its 95 % interval."""

    feature: str
    value: float
    low: float
    high: float


class Swarm(_Part):
    """Contributions of one feature to some predictions.

    Attributes:
        output: The class whose margin they add up to; empty where there is one output.
        contributions: A value for each row.
        ranks: Where the feature's value stands among those rows, from 0 to 1; None where it is missing.
    """

    output: str = ""
    feature: str
    contributions: list[float]
    ranks: list[float | None]


class Plots(_Part):
    """What the plots are drawn from; empty where a task or a model has none.

    Attributes:
        roc: False positive rate against true positive rate, a line for each class.
        precision_recall: Recall against precision, a line for each class.
        calibration: Predicted probability against the share of rows for which it came true.
        predicted: Predictions of some held-out rows (regression).
        actual: What was so, of the same rows.
        importance: By how much the gate's metric gets worse when a feature is shuffled.
        swarms: Contributions by output and feature, the one that moves most first.
        adds_up_to: What contributions add up to.
    """

    roc: list[Line] = []
    precision_recall: list[Line] = []
    calibration: list[Line] = []
    predicted: list[float] = []
    actual: list[float] = []
    importance: list[Effect] = []
    swarms: list[Swarm] = []
    adds_up_to: str = ""


class RunRecord(_Part):
    """The run.json of one run.

    Attributes:
        parameters: The algorithm's, with the kit's defaults, and what else says how it was trained.
        metrics: The challenger's on the held-out rows.
        champion: The champion's on the same rows; empty without one.
        seconds: How long each step took.
        search: What was tried before the fit; None without a search.
        tracked: Where the experiment tracker shows the run, below its address; empty where it was not told.
        warnings: What went wrong without harm to the model.
    """

    schema_version: Literal[1] = 1
    model: str
    run_id: str
    task: str
    target: str
    metric: str
    algorithm: str
    parameters: dict[str, str | int | float | bool]
    structure: Structure
    metrics: dict[str, float]
    champion: dict[str, float]
    baseline: dict[str, float]
    curve: Curve | None
    data: Data
    libraries: dict[str, str]
    hardware: str
    code_sha256: str
    artifact_sha256: str
    started: str
    ended: str
    seconds: dict[str, float]
    plots: Plots
    search: Leaderboard | None = None
    tracked: str = ""
    warnings: list[str] = []
