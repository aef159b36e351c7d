"""Online equals the latest offline, whatever came, whenever, how often."""

import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comal.lambda_environment import LambdaEnvironment
from lambdas.ingest_features.feature_store import FeatureStore
from tests.unit.lambdas.ingest_features.test_ingest_features import (
    GROUPS,
    TIMELY,
    Row,
    deploy,
    group_name,
    ingest,
    online,
    push,
)
from tests.unit.lambdas.lambda_stack import LambdaStack

NewStack = Callable[[dict[str, Any]], LambdaStack]


@pytest.fixture
def new_stack(lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewStack]:
    """Makes stacks with a feature group, of which nothing is known yet."""
    made: list[LambdaStack] = []

    def make(group: dict[str, Any]) -> LambdaStack:
        stack = LambdaStack(lambda_stack.cloud, replace(lambda_stack.names, stack=f"t{uuid.uuid4().hex[:10]}"))
        stack.create()
        monkeypatch.setenv("COMAL_STACK", stack.names.stack)
        LambdaEnvironment.read.cache_clear()
        stack.feature_groups = []  # type: ignore[attr-defined]
        deploy(stack, {"pace": group})
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.sagemaker.delete_feature_group(FeatureGroupName=group_name(stack))


def newest_offline(stack: LambdaStack) -> dict[str, dict[str, float]]:
    group = stack.recipe.feature_groups["pace"]
    stores = ["centro", "norte"]
    store = FeatureStore(stack.sagemaker, stack.feature_runtime, stack.s3, group_name(stack), group)
    history = store.read_offline(0, {name: code for code, name in enumerate(stores)})
    return {
        stores[history.records.entities[at]]: {
            name: value
            for name, value in zip(group.windows, history.records.values[at].tolist(), strict=True)
            if not math.isnan(value)
        }
        for at in history.newest()
    }


def everything_online(stack: LambdaStack) -> dict[str, dict[str, float]]:
    return {store: found for store in ("centro", "norte") if (found := online(stack, store))}


def test_a_late_row_after_a_correction_is_what_counts_online(new_stack: NewStack) -> None:
    """With a delay it was known before the correction was."""
    stack = new_stack(TIMELY)
    ingest(push(stack, "b1", [("a", "centro", 0.0, 10.0)], came_after_h=10))
    ingest(push(stack, "b2", [("a", "centro", 0.0, 20.0)], came_after_h=20))
    ingest(push(stack, "b3", [("b", "centro", 5.0, 40.0)], came_after_h=30))
    assert online(stack, "centro") == {"orders_1h": 1.0, "minutes_6h": 30.0}
    assert newest_offline(stack) == everything_online(stack)


def test_a_row_of_a_clock_that_is_ahead_can_be_corrected_again_and_again(new_stack: NewStack) -> None:
    stack = new_stack(GROUPS["pace"])
    for hours, minutes in ((1, 10.0), (2, 20.0), (3, 30.0)):
        ingest(push(stack, f"b{hours}", [("a", "centro", 5.0, minutes)], came_after_h=hours))
    assert online(stack, "centro") == {"orders_1h": 1.0, "minutes_6h": 30.0}
    assert newest_offline(stack) == everything_online(stack)


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from(("centro", "norte")),
        st.integers(0, 16).map(lambda quarter: quarter / 4),
        st.one_of(st.none(), st.integers(1, 40).map(float)),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(files=st.lists(st.tuples(ROWS, st.integers(1, 40)), min_size=1, max_size=4), is_timely=st.booleans())
def test_any_history_ends_with_the_same_online_and_offline(
    new_stack: NewStack, files: list[tuple[list[Row], int]], is_timely: bool
) -> None:
    stack = new_stack(TIMELY if is_timely else GROUPS["pace"])
    for number, (rows, came_after_h) in enumerate(files):
        ingest(push(stack, f"b{number}", rows, came_after_h=came_after_h))
    known = everything_online(stack)
    assert known == newest_offline(stack)
    assert set(known) == {store for rows, _ in files for _, store, _, _ in rows}
