"""Draws hyperparameters from their ranges, by seed: the same job tries the same values, also after a restart.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

import math
import random
from typing import Any

from localcloud.aws.sagemaker.errors import ValidationError
from localcloud.aws.sagemaker.store import Document

# From here on a range is said to be of several orders of magnitude.
_LOGARITHMIC_SPAN = 1000


def draw(ranges: Document, seed: int, trial: int) -> dict[str, str]:
    """The values of one training job.

    Args:
        ranges: A ParameterRanges document that `check_ranges` has accepted.
        seed: The tuning job's.
        trial: The training job's number, from 1.
    """
    chance = random.Random(f"{seed}:{trial}")  # noqa: S311  (a search, no secret)
    values: dict[str, str] = {}
    for one in ranges.get("CategoricalParameterRanges", []):
        values[one["Name"]] = chance.choice(one["Values"])
    for one in ranges.get("IntegerParameterRanges", []):
        low, high = int(one["MinValue"]), int(one["MaxValue"])
        # Half a step more on both sides, so that the ends are as likely as what lies between.
        value = _between(max(low - 0.5, low / 2) if low > 0 else low - 0.5, high + 0.5, _scale(one), chance.random())
        values[one["Name"]] = str(min(max(round(value), low), high))
    for one in ranges.get("ContinuousParameterRanges", []):
        bottom, top = float(one["MinValue"]), float(one["MaxValue"])
        value = _between(bottom, top, _scale(one), chance.random())
        values[one["Name"]] = repr(min(max(value, bottom), top))
    return values


def check_ranges(ranges: Document) -> None:
    """Refuses ranges that nothing can be drawn from.

    Raises:
        ValidationError: A bound is no number, is on the wrong side, or does not fit the scale.
    """
    names: set[str] = set()
    for kind, number in (("Integer", int), ("Continuous", float)):
        for one in ranges.get(f"{kind}ParameterRanges", []):
            _check_bounds(one, kind, number)
    for kind in ("Categorical", "Integer", "Continuous"):
        for one in ranges.get(f"{kind}ParameterRanges", []):
            if one["Name"] in names:
                raise ValidationError(f"Hyperparameter {one['Name']} has more than one range.")
            names.add(one["Name"])
    if not names:
        raise ValidationError("At least one hyperparameter range is needed in ParameterRanges.")


def _check_bounds(one: Document, kind: str, number: Any) -> None:
    name, scale = one["Name"], one.get("ScalingType", "Auto")
    try:
        low, high = number(one["MinValue"]), number(one["MaxValue"])
    except ValueError:
        raise ValidationError(
            f"The bounds of {kind.lower()} hyperparameter {name} must be numbers; found {one['MinValue']} and "
            f"{one['MaxValue']}."
        ) from None
    if not -math.inf < low < high < math.inf:
        raise ValidationError(f"MinValue {low} of hyperparameter {name} must be less than its MaxValue {high}.")
    if scale == "Logarithmic" and low <= 0:
        raise ValidationError(f"MinValue of hyperparameter {name} must be greater than 0 for scaling Logarithmic.")
    if scale == "ReverseLogarithmic" and (kind == "Integer" or low < 0 or high >= 1):
        raise ValidationError(
            f"Scaling ReverseLogarithmic of hyperparameter {name} needs a continuous range within 0 <= x < 1."
        )


def _scale(one: Document) -> str:
    scale: str = one.get("ScalingType", "Auto")
    if scale != "Auto":
        return scale
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    return "Logarithmic" if low > 0 and high / low >= _LOGARITHMIC_SPAN else "Linear"


def _between(low: float, high: float, scale: str, share: float) -> float:
    if scale == "Logarithmic":
        return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    if scale == "ReverseLogarithmic":
        return 1 - math.exp(math.log(1 - low) + share * (math.log(1 - high) - math.log(1 - low)))
    return low + share * (high - low)
