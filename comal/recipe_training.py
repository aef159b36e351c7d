"""How a recipe says a model is trained: preprocessing, algorithm, search."""

from typing import Literal

from pydantic import Field, model_validator

from comal.recipe_section import INSTANCE_PATTERN, Section, contradiction

Algorithm = Literal["xgboost", "lightgbm", "linear"]

GPU_INSTANCE_PREFIXES = ("ml.g", "ml.p")

# A path in the clone that leads nowhere else, and a function.
FIT_PATTERN = r"^([A-Za-z0-9_][A-Za-z0-9_-]*/)*[A-Za-z0-9_][A-Za-z0-9_-]*\.py:[A-Za-z_][A-Za-z0-9_]*$"


class Preprocessing(Section):
    """What becomes of features and target before the algorithm reads them; learnt from the training rows."""

    categories: Literal["native", "ordinal", "one_hot"] = Field(
        "native",
        description="`native`: the algorithm's own way; `ordinal`: the position among `values` as a number; `one_hot`: "
        "a column for each value.",
    )
    missing: Literal["native", "median", "flag"] = Field(
        "native",
        description="`native`: the algorithm's own way; `median`: the training rows' median (numbers and booleans); "
        "`flag`: one more column that says so.",
    )
    numbers: Literal["as_is", "log", "ranks"] = Field(
        "as_is", description="`log`: sign(x) log(1 + |x|); `ranks`: the place among the training rows, 0 to 1."
    )
    target: Literal["as_is", "log"] = Field(
        "as_is", description="`log`: learn log(1 + target), for targets of 0 and more; predictions are turned back."
    )


class Search(Section):
    """A search for preprocessing, algorithm and parameters, cross-validated on the training rows, before the fit."""

    trials: int = Field(30, ge=1, le=1000, description="Most trials; the first is the recipe as it is.")
    minutes: float = Field(10, gt=0, description="Longest time of all trials together; the fit comes after it.")
    jobs: int = Field(
        1,
        ge=1,
        le=20,
        description="Training jobs that search side by side, each as long, with its own seed; the best is kept.",
    )
    algorithms: list[Algorithm] = Field(
        ["xgboost", "lightgbm", "linear"], min_length=1, description="Algorithms to choose from."
    )

    @model_validator(mode="after")
    def _distinct(self) -> "Search":
        twice = [name for place, name in enumerate(self.algorithms) if name in self.algorithms[:place]]
        if twice:
            raise contradiction("algorithms", f"'{twice[0]}' is listed twice; list each algorithm once")
        return self


class Training(Section):
    """How a model is trained."""

    algorithm: Algorithm = Field(
        "xgboost", description="Gradient-boosted trees (`xgboost`, `lightgbm`), or a linear baseline (`linear`)."
    )
    instance: str = Field(
        "ml.m5.large", pattern=INSTANCE_PATTERN, description="SageMaker instance type of the training job."
    )
    instances: int = Field(1, ge=1, le=20, description="Instances that fit one model together (`xgboost` only).")
    params: dict[str, int | float | str | bool] = Field(
        default_factory=dict,
        description="Parameters of the algorithm, such as max_depth, eta, num_boost_round (XGBoost), num_leaves, "
        "learning_rate (LightGBM) or alpha (linear).",
    )
    fit: str | None = Field(
        None,
        pattern=FIT_PATTERN,
        description="A team's own fit instead of an algorithm: FILE.py:FUNCTION, the file by its path in the clone.",
    )
    preprocessing: Preprocessing = Preprocessing()
    calibration: Literal["none", "sigmoid"] = Field(
        "none", description="What becomes of the probabilities of classes: `sigmoid` makes them mean what they say."
    )
    quantile: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Predict this quantile of a regression's target instead of its mean: 0.9 is what nine rows in ten "
        "stay below.",
    )
    search: Search | None = Field(
        None, description="A search for what fits best before the fit; `{}` is one with the defaults, absent is none."
    )
    seed: int = Field(7, ge=0, description="Seed of everything random in training.")
    holdout: float = Field(
        0.2, gt=0, lt=1, description="Share of rows that no version ever trains on; the gate scores on them."
    )
    newest_rows: int | None = Field(
        None, ge=1, description="Train on the newest batches that hold so many rows; without it on every batch."
    )
    spot: bool = Field(False, description="Use spot capacity: cheaper, and may be interrupted.")
    max_runtime_minutes: int = Field(60, ge=1, le=5 * 24 * 60, description="A job that runs longer is stopped.")
    volume_gb: int = Field(10, ge=1, description="Disk of the training instance, in GB.")

    @model_validator(mode="after")
    def _leaves_time_to_fit(self) -> "Training":
        if self.search is not None and self.search.minutes >= self.max_runtime_minutes:
            raise contradiction(
                "search.minutes",
                f"{self.search.minutes:g} minutes of search leave no time to fit: max_runtime_minutes is "
                f"{self.max_runtime_minutes}",
            )
        return self

    @model_validator(mode="after")
    def _own_fit_stands_alone(self) -> "Training":
        if self.fit is not None and self.search is not None:
            raise contradiction("search", "a search chooses among the kit's algorithms; `fit` is the team's own")
        if self.fit is not None and self.preprocessing != Preprocessing():
            raise contradiction("preprocessing", "the team's own `fit` prepares the rows itself")
        if self.fit is not None and self.calibration != "none":
            raise contradiction("calibration", "the team's own `fit` calibrates its probabilities itself")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "Training":
        if self.instances > 1 and (self.algorithm != "xgboost" or self.fit is not None or self.search is not None):
            found = "a `fit` of the team's own" if self.fit else "a search" if self.search else f"`{self.algorithm}`"
            raise contradiction(
                "instances", f"{self.instances} instances fit together with `xgboost` only, and here is {found}"
            )
        return self

    @model_validator(mode="after")
    def _can_fit_a_quantile(self) -> "Training":
        if self.quantile is None or self.fit is not None:
            return self
        if self.search is None and self.algorithm == "linear":
            raise contradiction("quantile", "`linear` fits means only; choose algorithm: xgboost or lightgbm")
        if self.search is not None and "linear" in self.search.algorithms:
            raise contradiction(
                "search.algorithms", "`linear` fits means, not a quantile; write algorithms: [xgboost, lightgbm]"
            )
        if self.instances > 1:
            raise contradiction("quantile", f"it is exact on one instance, and only near on {self.instances}")
        return self

    @model_validator(mode="after")
    def _calibrates_on_one_host(self) -> "Training":
        if self.instances > 1 and self.calibration != "none":
            raise contradiction("calibration", f"it takes several fits, each on one instance, not on {self.instances}")
        return self

    @property
    def own_search(self) -> Search:
        """What is searched when nobody says what: its `search`, or the defaults with the algorithms that can."""
        if self.search is not None:
            return self.search
        return Search() if self.quantile is None else Search(algorithms=["xgboost", "lightgbm"])

    @property
    def uses_gpu(self) -> bool:
        """Whether the instance type has a GPU."""
        return self.instance.startswith(GPU_INSTANCE_PREFIXES)
