from pathlib import Path

import pytest

from comal.errors import RecipeError
from comal.own_fit import file_and_function
from comal.recipe_file import load

RECIPE = "model: tacos\ntask: regression\ntarget: minutes\nfeatures:\n  size: {type: integer}\ntraining: {fit: FIT}\n"


def clone(folder: Path, fit: str, source: str | None) -> Path:
    """A clone with one recipe and one file; the recipe's path."""
    (folder / "recipes").mkdir()
    (folder / "my_models").mkdir()
    recipe = folder / "recipes/tacos.yaml"
    recipe.write_text(RECIPE.replace("FIT", fit))
    if source is not None:
        (folder / "my_models/a.py").write_text(source)
    return recipe


def test_a_fit_is_a_file_of_the_clone_and_a_function_in_it(tmp_path: Path):
    recipe = load(clone(tmp_path, "my_models/a.py:fit", "def fit(table, params):\n    return None\n"))
    assert recipe.training.fit is not None
    assert file_and_function(recipe.training.fit) == ("my_models/a.py", "fit")


@pytest.mark.parametrize(
    ("fit", "source", "message"),
    [
        ("my_models/a.py:fit", None, r"training\.fit of model 'tacos': .*my_models/a\.py does not exist"),
        ("my_models/a.py:fit", "def fit(:\n", r"my_models/a\.py, line 1: this is not Python"),
        ("my_models/a.py:fit", "def other(): ...\n", r"my_models/a\.py has no function 'fit'"),
        ("../a.py:fit", None, r"tacos\.yaml:6: training\.fit: found '\.\./a\.py:fit', expected text that matches"),
        ("/etc/a.py:fit", None, r"training\.fit: found '/etc/a\.py:fit'"),
        ("my_models/a.py", None, r"training\.fit: found 'my_models/a\.py'"),
    ],
)
def test_what_cannot_be_a_fit_is_refused_when_the_recipe_is_read(tmp_path: Path, fit: str, source: str, message: str):
    with pytest.raises(RecipeError, match=message):
        load(clone(tmp_path, fit, source))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("search: {}", "training.search: a search chooses among the kit's algorithms"),
        ("preprocessing: {missing: flag}", "training.preprocessing: the team's own `fit` prepares the rows itself"),
    ],
)
def test_a_fit_goes_together_with_nothing_that_the_kit_would_choose(tmp_path: Path, more: str, message: str):
    with pytest.raises(RecipeError, match=message):
        load(clone(tmp_path, f"my_models/a.py:fit, {more}", "def fit(table, params): ...\n"))
