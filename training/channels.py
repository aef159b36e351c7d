"""What the job was asked to do: hyperparameters, the recipe, the instance, the champion to compare with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from comal.errors import PlatformError, RecipeError
from comal.own_fit import FILE_NAME
from comal.recipe import Recipe
from training.paths import TrainPaths

MODEL_ARCHIVE = "model.tar.gz"


class Hyperparameters(BaseModel):
    """The job's hyperparameters; SageMaker hands every value over as text.

    Attributes:
        search_seed: Seed of this job's search, one of several of a tuning job.
        tuning_objective_metric: What SageMaker tells every job of a tuning job.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str
    run_id: str
    champion_version: int | None = None
    champion_package_arn: str = ""
    search_seed: int | None = None
    tuning_objective_metric: str = Field("", alias="_tuning_objective_metric")


@dataclass(frozen=True)
class Champion:
    """The model in service, to be scored on the same rows."""

    version: int
    package_arn: str
    archive: Path


@dataclass(frozen=True)
class Job:
    """Everything a training job is given besides its rows.

    Attributes:
        own_fit: Where the team's own fit lies, if the recipe names one.
    """

    hyperparameters: Hyperparameters
    recipe: Recipe
    rows: Path
    champion: Champion | None
    instance_type: str
    own_fit: Path


def read_job(paths: TrainPaths) -> Job:
    """What SageMaker laid out below `paths`.

    Raises:
        PlatformError: A file of the contract is absent or unreadable.
        RecipeError: The recipe does not fit this version of the kit or this job's model.
    """
    try:
        hyperparameters = Hyperparameters.model_validate(_read_json(paths.config / "hyperparameters.json"))
    except ValidationError as error:
        raise PlatformError(
            f"hyperparameters.json does not fit: {_first_problem(error)}.",
            next_step="Start the job through `comal retrain`, or pass model and run_id.",
        ) from error
    recipe = _read_recipe(paths.channel("recipe"))
    if recipe.model != hyperparameters.model:
        raise RecipeError(
            f"The recipe describes model '{recipe.model}', but the job trains '{hyperparameters.model}'.",
            next_step="Pass the recipe of the model that the job names.",
        )
    return Job(
        hyperparameters=hyperparameters,
        recipe=recipe,
        rows=paths.channel("train"),
        champion=_champion(hyperparameters, paths.channel("champion")),
        own_fit=paths.channel("recipe") / FILE_NAME,
        instance_type=_instance_type(paths.config / "resourceconfig.json"),
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise PlatformError(
            f"{path} does not exist.", next_step="Lay the job out by SageMaker's training contract."
        ) from error
    except ValueError as error:
        raise PlatformError(f"{path} is not JSON: {error}.", next_step="Start the job again.") from error


def _read_recipe(channel: Path) -> Recipe:
    try:
        return Recipe.model_validate(_read_json(channel / "recipe.json")).with_windows()
    except ValidationError as error:
        raise RecipeError(
            f"recipe.json does not fit this image: {_first_problem(error)}.",
            next_step="Run `comal recipe check`, and rebuild the image if it is older than the recipe.",
        ) from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]


def _champion(hyperparameters: Hyperparameters, channel: Path) -> Champion | None:
    if hyperparameters.champion_version is None:
        return None
    return Champion(
        version=hyperparameters.champion_version,
        package_arn=hyperparameters.champion_package_arn,
        archive=channel / MODEL_ARCHIVE,
    )


def _instance_type(resource_config: Path) -> str:
    """Instance type of this host; empty where the file does not say (SageMaker's older jobs, local runs)."""
    if not resource_config.exists():
        return ""
    return str(_read_json(resource_config).get("current_instance_type", ""))
