"""Two minutes of search against the default recipe, on held-out rows that neither has seen."""

import pytest

from benchmarks.search import BIKES, BUNDLED, bikes, bundled, compare

# Of some hundred rows, a fifth is too few to tell two models apart: several ways to hold rows out do.
SPLITS = 5

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not BIKES.is_file(), reason="the bikes data is not on this machine")
def test_of_bicycles() -> None:
    default, found, board = compare(bikes(BIKES), 2)
    assert found < default
    assert board.seconds < 2 * 60 + 5


def test_of_the_tables_that_scikit_learn_brings() -> None:
    # Counted and not averaged: of 36 held-out wines, one that a sure model mistakes outweighs all others.
    scores = {
        (name, split): compare(bundled(name), 2 / SPLITS, split=split)[:2]
        for name in BUNDLED
        for split in range(SPLITS)
    }
    won = [key for key, (default, found) in scores.items() if found < default]
    lost = [key for key, (default, found) in scores.items() if found > default]
    assert len(won) > 2 * len(lost), scores
