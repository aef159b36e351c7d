import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.evaluation import Evaluation
from comal.gate import judge
from comal.recipe import Recipe
from tests.unit.comal.registry_samples import make_recipe

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/dev-tacos/3"
finite = st.floats(-1e6, 1e6)


def _recipe(**gate: Any) -> Recipe:
    return make_recipe(gate=gate)


def _evaluation(
    value: float | None, champion: float | None = None, baseline: float | None = 100.0, **more: Any
) -> Evaluation:
    metric = more.pop("metric", "rmse")
    scores: dict[str, Any] = {
        "challenger": {"metrics": {} if value is None else {metric: value}},
        "baseline": {"metrics": {} if baseline is None else {metric: baseline}},
    }
    if champion is not None or "unscored" in more:
        scores["champion"] = {
            "version": 3,
            "model_package_arn": ARN,
            "metrics": {} if champion is None else {metric: champion},
            "unscored": more.get("unscored", ""),
        }
    shape = {"model": "tacos", "run_id": "r", "task": "regression", "metric": metric}
    return Evaluation.model_validate({**shape, "trained_rows": 900, "held_out_rows": 100, **scores})


def test_the_first_version_passes_when_it_beats_the_baseline() -> None:
    verdict = judge(_recipe(), _evaluation(5.25))
    assert verdict.passed
    assert verdict.why == (
        "rmse 5.25 on 100 held-out rows; no worse than the baseline's 100; there is no champion yet."
    )


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_metric_that_is_no_number_fails(value: float | None) -> None:
    verdict = judge(_recipe(), _evaluation(value))
    assert not verdict.passed
    assert "rmse of the challenger is not a number" in verdict.why


@pytest.mark.parametrize(("gate", "value", "passed"), [
    ({"at_most": 5.0}, 5.0, True),
    ({"at_most": 5.0}, 5.1, False),
    ({"at_least": 5.0}, 5.0, True),
    ({"at_least": 5.0}, 4.9, False),
    ({"at_most": 6.0, "at_least": 4.0}, 5.0, True),
])  # fmt: skip
def test_bounds_are_kept(gate: dict[str, float], value: float, passed: bool) -> None:
    assert judge(_recipe(**gate), _evaluation(value)).passed is passed


@pytest.mark.parametrize(("value", "champion", "margin", "passed"), [
    (4.0, 5.0, 0.0, True),
    (5.0, 5.0, 0.0, True),
    (5.1, 5.0, 0.0, False),
    (4.5, 5.0, 0.5, True),
    (4.6, 5.0, 0.5, False),
])  # fmt: skip
def test_the_champion_is_beaten_by_the_margin(value: float, champion: float, margin: float, passed: bool) -> None:
    verdict = judge(_recipe(beat_champion_by=margin), _evaluation(value, champion))
    assert verdict.passed is passed
    assert "champion (version 3) has 5" in verdict.why


def test_higher_is_better_for_r2() -> None:
    recipe = _recipe(metric="r2", beat_champion_by=0.1)
    assert judge(recipe, _evaluation(0.9, 0.7, 0.0, metric="r2")).passed
    assert not judge(recipe, _evaluation(0.75, 0.7, 0.0, metric="r2")).passed
    assert not judge(recipe, _evaluation(-0.1, None, 0.0, metric="r2")).passed


def test_a_model_that_loses_to_the_baseline_fails() -> None:
    verdict = judge(_recipe(), _evaluation(101.0, champion=200.0))
    assert not verdict.passed
    assert verdict.why == "rmse 101 on 100 held-out rows; worse than the baseline's 100."


@pytest.mark.parametrize("baseline", [None, math.nan])
def test_a_metric_that_the_baseline_does_not_define_is_not_compared(baseline: float | None) -> None:
    assert judge(_recipe(), _evaluation(5.0, baseline=baseline)).passed


def test_a_champion_that_could_not_be_scored_is_not_compared_and_the_verdict_says_so() -> None:
    evaluation = _evaluation(5.0, unscored="the archive is damaged.")
    verdict = judge(_recipe(at_most=6), evaluation)
    assert verdict.passed
    assert "champion (version 3) could not be scored: the archive is damaged." in verdict.why
    assert not judge(_recipe(at_most=4), evaluation).passed


def test_a_champion_whose_metric_is_no_number_counts_as_unscored() -> None:
    verdict = judge(_recipe(), _evaluation(5.0, champion=math.nan))
    assert verdict.passed
    assert "its rmse is not a number" in verdict.why


def test_every_broken_rule_is_told() -> None:
    verdict = judge(_recipe(at_most=4), _evaluation(150.0, champion=5.0))
    assert not verdict.passed
    assert "above at_most 4; worse than the baseline's 100; the champion (version 3) has 5" in verdict.why


@pytest.mark.parametrize(("challenger", "text"), [
    (4.0, "ahead of the champion on 40 recent labelled rows, 4 against 6"),
    (6.0, "level with the champion on 40 recent labelled rows, 6 against 6"),
    (7.0, "behind the champion on 40 recent labelled rows, 7 against 6"),
])  # fmt: skip
def test_recent_rows_are_told_whatever_the_verdict_and_do_not_change_it(challenger: float, text: str) -> None:
    recent = {"batches": 1, "held_out_rows": 40, "challenger": {"rmse": challenger}, "champion": {"rmse": 6.0}}
    for value, passed in ((4.0, True), (5.5, False)):
        told = {**_evaluation(value, 5.0).model_dump(), "recent": recent}
        verdict = judge(_recipe(), Evaluation.model_validate(told))
        assert verdict.passed is passed
        assert verdict.why.endswith(f"; {text}.")


def test_recent_rows_that_do_not_define_the_metric_are_not_told() -> None:
    recent = {"batches": 1, "held_out_rows": 1, "challenger": {"mae": 1.0}, "champion": {"mae": 1.0}}
    told = {**_evaluation(4.0, 5.0).model_dump(), "recent": recent}
    assert "recent" not in judge(_recipe(), Evaluation.model_validate(told)).why


@given(value=finite, champion=finite, margin=st.floats(0, 1e3))
def test_of_two_models_only_the_better_one_passes(value: float, champion: float, margin: float) -> None:
    recipe = _recipe(beat_champion_by=margin)
    passed = judge(recipe, _evaluation(value, champion, None)).passed
    reverse = judge(recipe, _evaluation(champion, value, None)).passed
    assert not (passed and reverse) or (value == champion and margin == 0)


def _compared(low: float, scores: list[dict[str, Any]] | None = None, **gate: Any) -> tuple[Recipe, Evaluation]:
    gain = {"value": 0.5, "low": low, "high": 1.0, "confidence": 0.95}
    evaluation = _evaluation(4.5, champion=5.0)
    features = {"store": {"type": "category", "values": ["norte", "sur"]}}
    recipe = make_recipe(gate=gate, features=features)
    return recipe, Evaluation.model_validate({**evaluation.model_dump(), "gain": gain, "slices": scores or []})


def test_the_interval_of_the_gain_is_told_and_does_not_decide_by_itself() -> None:
    verdict = judge(*_compared(-0.2))
    assert verdict.passed
    assert "a gain of 0.5 (95% interval -0.2 to 1) where 0 is asked for" in verdict.why


@pytest.mark.parametrize(("low", "passed"), [(0.1, True), (0.3, True), (0.09, False), (-0.2, False)])
def test_with_confidence_the_lower_end_must_reach_the_margin(low: float, passed: bool) -> None:
    verdict = judge(*_compared(low, confidence=0.95, beat_champion_by=0.1))
    assert verdict.passed is passed
    assert "whose lower end must reach 0.1" in verdict.why


def test_a_slice_that_is_too_much_worse_keeps_the_challenger_back() -> None:
    slices = [
        {"column": "store", "value": "norte", "rows": 40, "challenger": 5.5, "champion": 5.0},
        {"column": "store", "value": "sur", "rows": 50, "challenger": 5.2, "champion": 5.0},
    ]
    verdict = judge(*_compared(0.1, slices, slices={"store": 0.3}))
    assert not verdict.passed
    assert "worse than the champion by 0.5 on the 40 rows with store norte, where 0.3 is allowed" in verdict.why
    assert "sur" not in verdict.why
    assert judge(*_compared(0.1, slices, slices={"store": 0.6})).passed
