import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.recipe_training import Training
from training.search.checkpoints import checkpoints_of, has_stalled, own_checkpoints
from training.search.folds import make_folds


@given(st.integers(20, 400), st.integers(0, 5))
def test_every_row_is_scored_once_and_never_by_a_model_that_was_fitted_to_it(rows: int, seed: int):
    target = np.random.default_rng(seed).normal(size=rows)
    folds = make_folds(target, seed, two_classes=False)
    assert 3 <= len(folds) <= 10
    assert sorted(np.concatenate([fold.scored for fold in folds]).tolist()) == list(range(rows))
    for fold in folds:
        assert not set(fold.scored) & set(fold.fitted)
        assert len(fold.scored) + len(fold.fitted) == rows


def test_each_fold_has_its_share_of_a_rare_class():
    target = np.array([0.0] * 95 + [1.0] * 5)
    folds = make_folds(target, 7, two_classes=True)
    assert [target[fold.scored].sum() for fold in folds] == [1.0] * 5


def test_large_tables_have_three_folds():
    assert len(make_folds(np.zeros(50_000), 7, two_classes=False)) == 3


def test_slow_and_fast_learners_are_scored_when_they_have_learnt_as_much():
    slow = checkpoints_of(Training(algorithm="xgboost", params={"eta": 0.05}))
    fast = checkpoints_of(Training(algorithm="lightgbm", params={"learning_rate": 0.1}))
    assert [rounds / 2 for rounds in slow] == pytest.approx(fast, abs=1)
    assert (fast[0], fast[-1]) == (10, 552)


def test_a_recipes_own_rounds_are_its_last_checkpoint():
    assert own_checkpoints(Training(params={"num_boost_round": 25})) == [10, 12, 14, 17, 21, 25]
    assert own_checkpoints(Training())[-1] == 200
    assert own_checkpoints(Training(params={"num_boost_round": 3})) == [3]


def test_a_model_grows_while_one_of_the_last_three_scores_is_the_best():
    assert not has_stalled([3.0, 2.0, 1.0])
    assert not has_stalled([3.0, 1.0, 2.0, 2.0])
    assert has_stalled([3.0, 1.0, 2.0, 2.0, 2.0])
