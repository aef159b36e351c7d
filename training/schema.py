"""What a model expects and answers: stored beside it as schema.json and never derived again.

A trained model keeps its feature order, its categories and its classes for life, whatever becomes of the recipe.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from comal.errors import PlatformError
from comal.recipe import Recipe
from comal.recipe_columns import CategoryFeature
from comal.recipe_metrics import Task
from comal.recipe_training import Algorithm
from training.calibration import Calibration
from training.preparation import Preparation

FILE_NAME = "schema.json"

Label = bool | int | str


class FeatureColumn(BaseModel):
    """One column of the model's matrix.

    A category is its position in `values`; a boolean is 0 or 1; a missing value is NaN.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: Literal["integer", "number", "boolean", "category"]
    values: tuple[str, ...] = ()


class ModelSchema(BaseModel):
    """The schema.json of one model.

    Attributes:
        features: Columns in the order of the matrix.
        classes: Labels in the order of the model's probabilities, spelt as in the data; empty for regression.
            Of two, the second is the positive class.
        unknown_category: What a category outside `values` is: an error, or a missing value.
        absent_feature: What a request without a feature's key is. A null is always a missing value.
        quantile: What it predicts of a number; None for its mean.
        fit_sha256: Digest of the team's own fit that made it; empty where an algorithm of the kit did.
        preparation: What lies between the matrix and the algorithm; None where it reads the matrix itself.
        calibration: What becomes of the model's probabilities; None where they stay as they are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    schema_version: Literal[1] = 1
    model: str
    task: Task
    target: str
    algorithm: Algorithm | Literal["own"]
    features: tuple[FeatureColumn, ...]
    classes: tuple[Label, ...] = ()
    unknown_category: Literal["refuse", "missing"] = "refuse"
    absent_feature: Literal["refuse", "missing"] = "refuse"
    preparation: Preparation | None = None
    calibration: Calibration | None = None
    quantile: float | None = None
    fit_sha256: str = ""

    def save(self, directory: Path) -> None:
        """Write schema.json."""
        (directory / FILE_NAME).write_text(self.model_dump_json(indent=2))

    @classmethod
    def load(cls, directory: Path) -> "ModelSchema":
        """Read schema.json.

        Raises:
            PlatformError: The file is absent or of another version of the kit.
        """
        path = directory / FILE_NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise PlatformError(
                f"{path} does not exist, so this is no model of comal.",
                next_step="Use a model.tar.gz that `python -m training train` made.",
            ) from error
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise PlatformError(
                f"{path} does not fit this image: {problem['loc']}: {problem['msg']}.",
                next_step="Serve the model with the image that trained it, or train it again.",
            ) from error


def feature_columns(recipe: Recipe) -> tuple[FeatureColumn, ...]:
    """The recipe's features in its own order."""
    return tuple(
        FeatureColumn(
            name=name,
            type=feature.type,
            values=tuple(feature.values) if isinstance(feature, CategoryFeature) else (),
        )
        for name, feature in recipe.features.items()
    )


def schema_of(recipe: Recipe, classes: tuple[Label, ...]) -> ModelSchema:
    """The schema of a model that is about to be trained by this recipe.

    A request may leave a feature out only where the recipe lets every value of it be missing (max_missing: 1): a
    misspelt key would otherwise pass for a missing value.
    """
    return ModelSchema(
        model=recipe.model,
        task=recipe.task,
        target=recipe.target,
        algorithm=recipe.training.algorithm,
        features=feature_columns(recipe),
        classes=classes,
        quantile=recipe.training.quantile,
        unknown_category="missing" if recipe.validation.on_new_category == "warn" else "refuse",
        absent_feature="missing" if recipe.validation.max_missing == 1 else "refuse",
    )
