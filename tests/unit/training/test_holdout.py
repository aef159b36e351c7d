import numpy as np

from training.holdout import held_out_rows


def test_the_choice_of_held_out_rows_never_changes():
    # Golden values: a change here lets new versions train on rows that older ones were judged by.
    assert np.flatnonzero(held_out_rows("0123456789abcdef", 40, 0.2)).tolist() == GOLDEN_A
    assert np.flatnonzero(held_out_rows("fedcba9876543210", 40, 0.2)).tolist() == GOLDEN_B


def test_about_the_asked_share_is_held_out():
    for share in (0.05, 0.2, 0.5):
        assert abs(held_out_rows("batch", 200_000, share).mean() - share) < 0.005


def test_a_larger_share_holds_out_every_row_that_a_smaller_one_did():
    small, large = held_out_rows("batch", 1000, 0.1), held_out_rows("batch", 1000, 0.3)
    assert (large[small]).all()


def test_a_row_stays_held_out_when_its_batch_is_read_in_part():
    assert (held_out_rows("batch", 1000, 0.2)[:300] == held_out_rows("batch", 300, 0.2)).all()


def test_a_batch_without_rows_holds_out_nothing():
    assert held_out_rows("batch", 0, 0.2).shape == (0,)


def test_batches_choose_independently_of_each_other():
    first, second = held_out_rows("batch1", 100_000, 0.5), held_out_rows("batch2", 100_000, 0.5)
    assert abs((first & second).mean() - 0.25) < 0.01


GOLDEN_A = [10, 11, 14, 22, 27, 29, 38, 39]
GOLDEN_B = [2, 4, 10, 13, 18, 24, 30, 35, 39]
