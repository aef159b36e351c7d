"""Which batches a run trains on."""

import pytest

from lambdas.request_training.training_window import keys_in_window

BATCHES = [
    {"key": "b", "received_at": "2026-03-02T08:00:00+00:00", "rows": 100},
    {"key": "a", "received_at": "2026-03-03T08:00:00+00:00", "rows": 50},
    {"key": "c", "received_at": "2026-03-01T08:00:00+00:00", "rows": 300},
]


@pytest.mark.parametrize(
    ("newest_rows", "keys"),
    [
        (None, ["a", "b", "c"]),
        (1, ["a"]),
        (50, ["a"]),
        (51, ["a", "b"]),
        (151, ["a", "b", "c"]),
        (9999, ["a", "b", "c"]),
    ],
)
def test_the_newest_batches_that_hold_enough_rows_are_trained_on(newest_rows, keys):
    assert keys_in_window(BATCHES, newest_rows) == keys
    assert keys_in_window(reversed(BATCHES), newest_rows) == keys
