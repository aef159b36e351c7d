"""Which batches a run trains on."""

import pytest

from comal.training_window import keys_in_window
from tests.unit.comal.registry_samples import make_recipe

BATCHES = [
    {"validated_key": "b", "received_at": "2026-03-02T08:00:00+00:00", "rows": 100},
    {"validated_key": "a", "received_at": "2026-03-03T08:00:00+00:00", "rows": 50},
    {"validated_key": "c", "received_at": "2026-03-01T08:00:00+00:00", "rows": 300},
]
GROUPS = {"pace": {"entity": "store", "windows": {"orders": {"function": "count", "over": "1h"}}}}


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
    recipe = make_recipe(training={"newest_rows": newest_rows})
    assert keys_in_window(BATCHES, recipe) == keys
    assert keys_in_window(reversed(BATCHES), recipe) == keys


def test_with_feature_groups_only_batches_with_their_windows_are_trained_on():
    recipe = make_recipe(
        entity="order_id",
        event_time={"column": "at"},
        features={"store": {"type": "category", "values": ["centro"]}},
        feature_groups=GROUPS,
    )
    prefix = "validated/tacos/v1/dt=2026-03-01/"
    waiting = {"validated_key": f"{prefix}a.parquet", "received_at": "2026-03-01T08:00:00+00:00", "rows": 1}
    ready_key = f"features/tacos/{recipe.feature_definition}/dt=2026-03-01/b.parquet"
    ready = {**waiting, "validated_key": f"{prefix}b.parquet", "features_key": ready_key}
    of_another_definition = {**ready, "features_key": "features/tacos/00000000/dt=2026-03-01/b.parquet"}
    assert keys_in_window([waiting, ready], recipe) == [ready_key]
    assert keys_in_window([of_another_definition], recipe) == []
