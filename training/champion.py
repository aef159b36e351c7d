"""The champion's artifact: loaded like any other model, and what of the rows it was trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from comal.archive import Limits, extract, read_members
from comal.errors import ComalError, DataError, PlatformError
from comal.recipe import Recipe
from training.artifacts import RECIPE_FILE
from training.channels import Champion
from training.dataset import Batch
from training.holdout import read_held_out
from training.model import TrainedModel, load_model
from training.progress import say
from training.rows import Rows

# On fewer rows one model is better than another by chance.
_FEWEST_ROWS = 50


def load_champion(champion: Champion, folder: Path) -> TrainedModel:
    """The champion, unpacked into `folder`.

    Raises:
        ComalError: The archive is absent, unsafe or of another version of the kit.
    """
    extract(_archive_of(champion), folder, Limits())
    return load_model(folder)


def _archive_of(champion: Champion) -> Path:
    if not champion.archive.exists():
        raise PlatformError(
            f"The champion channel has no {champion.archive.name}.",
            next_step="Check the champion's ModelDataUrl.",
        )
    return champion.archive


def unseen_by(champion: Champion, rows: Rows) -> Rows:
    """The rows without those held out that the champion was trained on, on which it would look better than it is.

    Its recipe split otherwise where it has other features, another entity or time, or holds out less.
    """
    try:
        recipe = _recipe_of(champion)
    except ComalError as error:  # it cannot be scored, either
        say(f"Which rows champion {champion.version} was trained on is not known: {error.message}")
        return rows
    unseen = rows.held_out & np.concatenate([_not_trained_on(recipe, batch) for batch in rows.batches])
    seen = int(rows.held_out.sum() - unseen.sum())
    if not seen:
        return rows
    told = (
        f"Champion {champion.version} was trained, by another recipe, on {seen} of {rows.held_out.sum()} held-out rows"
    )
    if not _tell_models_apart(unseen, rows):
        say(f"{told}: the others are too few to compare by, and it looks better than it is.")
        return rows
    say(f"{told}, which are left out.")
    return replace(rows, held_out=unseen)


def _not_trained_on(recipe: Recipe, batch: Batch) -> NDArray[np.bool_]:
    """Mask of the rows of a batch that no model of a recipe is trained on."""
    try:
        return read_held_out([batch], recipe)
    except DataError:  # without the columns that the recipe knows rows by, a run of it refuses the batch
        return np.ones(batch.rows, dtype=np.bool_)


def _tell_models_apart(unseen: NDArray[np.bool_], rows: Rows) -> bool:
    """Whether they are enough, and of every class that the held-out rows have."""
    if unseen.sum() < _FEWEST_ROWS:
        return False
    values = rows.target.values
    return not rows.target.classes or len(np.unique(values[unseen])) == len(np.unique(values[rows.held_out]))


def _recipe_of(champion: Champion) -> Recipe:
    """The recipe that it was trained by.

    Raises:
        ComalError: The archive is absent or unsafe, or has none that can be read.
    """
    try:
        content = read_members(_archive_of(champion), [RECIPE_FILE], Limits())[RECIPE_FILE]
        return Recipe.model_validate_json(content)
    except ValidationError as error:
        raise PlatformError(
            f"its {RECIPE_FILE} is of another version of the kit ({error.error_count()} errors)"
        ) from error
