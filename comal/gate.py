"""The gate: whether a trained model may replace the champion. Pure; the training job did the scoring."""

import math
from dataclasses import dataclass

from comal.evaluation import Evaluation
from comal.recipe import Recipe
from comal.recipe_metrics import HIGHER_IS_BETTER


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a challenger; `why` is one sentence with the numbers it was judged by."""

    passed: bool
    why: str


@dataclass(frozen=True)
class _Finding:
    passed: bool
    text: str


def judge(recipe: Recipe, evaluation: Evaluation) -> Verdict:
    """Judge a challenger by the recipe's metric on the held-out rows.

    Every rule must hold:

    - the metric is a finite number;
    - it keeps `gate.at_most` and `gate.at_least`;
    - it is no worse than the baseline's (the training rows' mean, or their class frequencies): a model that loses to
      a constant has learned nothing, and would look fine wherever the recipe sets no bound. Equal passes, because on
      rare classes a good model may tie in accuracy. A metric that a constant does not define is not compared;
    - it beats the champion's, on the same rows, by at least `gate.beat_champion_by`; with `gate.confidence` the lower
      end of the gain's paired bootstrap interval does. A champion that could not be scored is not compared: the verdict
      says so;
    - in no slice of `gate.slices` is it worse than the champion's by more than is allowed there.

    How both do on the recent rows, which came after the champion was trained, is told and not judged: there are few.
    """
    metric = recipe.metric
    value = evaluation.challenger.metrics.get(metric, math.nan)
    if not math.isfinite(value):
        return Verdict(False, f"{metric} of the challenger is not a number.")
    findings = [
        *_bounds(recipe, value),
        *_against_baseline(evaluation, metric, value),
        *_against_champion(recipe, evaluation, value),
        *_in_slices(recipe, evaluation),
    ]
    failures = [finding.text for finding in findings if not finding.passed]
    told = [*(failures or [finding.text for finding in findings]), *_on_recent_rows(evaluation, metric)]
    rows = f"on {evaluation.held_out_rows} held-out rows"
    return Verdict(not failures, "; ".join([f"{metric} {_number(value)} {rows}", *told]) + ".")


def _bounds(recipe: Recipe, value: float) -> list[_Finding]:
    gate = recipe.gate
    findings = []
    if gate.at_most is not None:
        passed = value <= gate.at_most
        findings.append(_Finding(passed, f"{'within' if passed else 'above'} at_most {_number(gate.at_most)}"))
    if gate.at_least is not None:
        passed = value >= gate.at_least
        findings.append(_Finding(passed, f"{'within' if passed else 'below'} at_least {_number(gate.at_least)}"))
    return findings


def _against_baseline(evaluation: Evaluation, metric: str, value: float) -> list[_Finding]:
    baseline = evaluation.baseline.metrics.get(metric, math.nan)
    if not math.isfinite(baseline):
        return []
    passed = _gain(metric, value, baseline) >= 0
    return [_Finding(passed, f"{'no worse' if passed else 'worse'} than the baseline's {_number(baseline)}")]


def _against_champion(recipe: Recipe, evaluation: Evaluation, value: float) -> list[_Finding]:
    champion = evaluation.champion
    if champion is None:
        return [_Finding(True, "there is no champion yet")]
    name = f"champion (version {champion.version})"
    score = champion.metrics.get(recipe.metric, math.nan)
    if not math.isfinite(score):
        reason = champion.unscored or f"its {recipe.metric} is not a number"
        return [_Finding(True, f"the {name} could not be scored: {reason.rstrip('.')}")]
    margin = recipe.gate.beat_champion_by
    gain = _gain(recipe.metric, value, score)
    text = f"the {name} has {_number(score)}, a gain of {_number(gain)}"
    interval = evaluation.gain
    if interval is not None:
        text += f" ({interval.confidence:.0%} interval {_number(interval.low)} to {_number(interval.high)})"
    if recipe.gate.confidence is None:
        return [_Finding(gain >= margin, f"{text} where {_number(margin)} is asked for")]
    passed = interval is not None and interval.low >= margin
    return [_Finding(passed, f"{text} whose lower end must reach {_number(margin)}")]


def _in_slices(recipe: Recipe, evaluation: Evaluation) -> list[_Finding]:
    """One finding for each slice that is too much worse, or one that says that none is."""
    if not evaluation.slices:
        return []
    losses = [
        (found, -_gain(recipe.metric, found.challenger, found.champion), recipe.gate.slices.get(found.column, math.inf))
        for found in evaluation.slices
    ]
    findings = [
        _Finding(
            False,
            f"worse than the champion by {_number(loss)} on the {found.rows} rows with {found.column} {found.value}, "
            f"where {_number(allowed)} is allowed",
        )
        for found, loss, allowed in losses
        if loss > allowed
    ]
    return findings or [_Finding(True, f"in none of {len(losses)} slices worse than is allowed")]


def _on_recent_rows(evaluation: Evaluation, metric: str) -> list[str]:
    recent = evaluation.recent
    if recent is None or metric not in recent.challenger or metric not in recent.champion:
        return []
    challenger, champion = recent.challenger[metric], recent.champion[metric]
    gain = _gain(metric, challenger, champion)
    stands = "ahead of" if gain > 0 else "behind" if gain < 0 else "level with"
    return [
        f"{stands} the champion on {recent.held_out_rows} recent labelled rows, "
        f"{_number(challenger)} against {_number(champion)}"
    ]


def _gain(metric: str, value: float, other: float) -> float:
    """How much better a value is than another one; negative when it is worse."""
    return value - other if metric in HIGHER_IS_BETTER else other - value


def _number(value: float) -> str:
    return f"{value:.4g}"
