"""What `comal search` makes of a leaderboard, without a cloud."""

import pytest
import yaml

from comal.cli.search import _lines, _wanted
from comal.errors import UserError
from comal.leaderboard import Trial
from comal.recipe import Recipe
from comal.recipe_training import Search, Training
from tests.unit.comal.registry_samples import make_recipe

FOUND = Trial(
    rank=1,
    number=5,
    algorithm="lightgbm",
    params={"learning_rate": 0.05, "num_leaves": 20, "num_boost_round": 310},
    preprocessing={"target": "log"},
    score=1.5,
    seconds=3.0,
    state="complete",
)


def test_the_printed_lines_are_what_a_recipe_understands():
    section = yaml.safe_load(_lines(FOUND))["training"]
    training = Training.model_validate(section)
    assert (training.algorithm, training.params, training.preprocessing.target) == ("lightgbm", FOUND.params, "log")


def recipe(**training: object) -> Recipe:
    return make_recipe(training={"max_runtime_minutes": 30, **training})


def test_options_come_before_the_recipe_and_the_recipe_before_the_defaults():
    own = recipe(search={"trials": 7, "algorithms": ["linear"]})
    assert _wanted(own, None, 3) == Search(trials=7, minutes=3, algorithms=["linear"])
    assert _wanted(recipe(), 5, None) == Search(trials=5)


def test_a_recipe_with_a_fit_of_its_own_has_nothing_to_search():
    with pytest.raises(UserError, match="`fit` is the team's own"):
        _wanted(recipe(fit="my_models/a.py:fit"), None, None)


def test_a_recipe_that_predicts_a_quantile_is_searched_with_what_can():
    assert _wanted(recipe(quantile=0.9), 5, None) == Search(trials=5, algorithms=["xgboost", "lightgbm"])


def test_what_several_instances_fit_together_is_not_searched():
    with pytest.raises(UserError, match="2 instances fit together with `xgboost` only, and here is a search"):
        _wanted(recipe(instances=2), None, None)


def test_a_search_that_fills_the_jobs_time_is_refused():
    with pytest.raises(UserError, match="30 minutes of search leave no time to fit"):
        _wanted(recipe(), None, 30)
