"""Two minutes of search against the default recipe, on held-out rows that neither has seen."""

from statistics import mean

import pytest

from benchmarks.search import BIKES, BUNDLED, bikes, bundled, compare

# Of some hundred rows, a fifth is too few to tell two models apart: the mean over several ways to hold rows out does.
SPLITS = 5

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not BIKES.is_file(), reason="the bikes data is not on this machine")
def test_of_bicycles() -> None:
    default, found, board = compare(bikes(BIKES), 2)
    assert found < default
    assert board.seconds < 2 * 60 + 5


@pytest.mark.parametrize("name", BUNDLED)
def test_of_the_tables_that_scikit_learn_brings(name: str) -> None:
    scores = [compare(bundled(name), 2 / SPLITS, split=split)[:2] for split in range(SPLITS)]
    assert mean(found for _, found in scores) <= mean(default for default, _ in scores)
