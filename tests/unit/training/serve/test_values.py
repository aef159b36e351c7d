import math
from typing import Any

import pytest

from comal import conversion
from training.schema import FeatureColumn
from training.serve import values as serving_values
from training.serve.values import converter

FLOAT32_MAX = 3.4028234663852886e38


def convert(kind: str, value: Any, values: tuple[str, ...] = (), *, refuse_unknown: bool = True) -> float:
    feature = FeatureColumn.model_validate({"name": "f", "type": kind, "values": values})
    return converter(feature, refuse_unknown=refuse_unknown)(value)


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "category"])
@pytest.mark.parametrize("value", [None, "", " ", "NaN", "null", "NA"])
def test_missing_values_are_nan_in_every_usual_spelling(kind: str, value: Any):
    assert math.isnan(convert(kind, value, ("a",)))


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [
        ("number", 1, 1.0),
        ("number", -0.0, 0.0),
        ("number", " 2.5 ", 2.5),
        ("number", "1e3", 1000.0),
        ("number", 1e308, FLOAT32_MAX),
        ("number", "-1e308", -FLOAT32_MAX),
        ("integer", 3, 3.0),
        ("integer", 3.0, 3.0),
        ("integer", "3", 3.0),
        ("integer", "3.0", 3.0),
        ("integer", -(2**63), -(2.0**63)),
        ("integer", True, 1.0),
        ("boolean", True, 1.0),
        ("boolean", 0, 0.0),
        ("boolean", 1.0, 1.0),
        ("boolean", "Yes", 1.0),
        ("boolean", "FALSE", 0.0),
    ],
)
def test_numbers_and_booleans_are_read_in_their_usual_spellings(kind: str, value: Any, number: float):
    assert convert(kind, value) == number


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("number", "far", "expected a number"),
        ("number", True, "expected a number"),
        ("number", [1], "expected a number"),
        ("number", {}, "expected a number"),
        ("number", "1_000", "expected a number"),
        ("number", "١٢", "expected a number"),
        ("number", "0x1F", "expected a number"),
        ("number", "inf", "expected a finite number"),
        ("number", float("inf"), "expected a finite number"),
        ("integer", 3.5, "expected a whole number"),
        ("integer", "3.5", "expected a whole number"),
        ("integer", "-inf", "expected a finite whole number"),
        ("boolean", 2, "expected true or false"),
        ("boolean", "maybe", "expected true or false"),
        ("boolean", [], "expected a single value"),
        ("category", "poniente", "expected one of sur, norte"),
        ("category", ["sur"], "expected a single value"),
        ("category", 1.5, "expected one of sur, norte"),
    ],
)
def test_what_does_not_fit_says_what_was_expected(kind: str, value: Any, expected: str):
    with pytest.raises(ValueError, match=f"^{expected}"):
        convert(kind, value, ("sur", "norte"))


@pytest.mark.parametrize(
    ("value", "code"), [("2", 1.0), (2, 1.0), (2.0, 1.0), (True, 2.0), ("NA", 3.0), (" 2 ", 1.0), ("3", math.nan)]
)
def test_categories_are_their_position_and_numbers_may_name_them(value: Any, code: float):
    found = convert("category", value, ("1", "2", "true", "NA"), refuse_unknown=False)
    assert found == code or (math.isnan(found) and math.isnan(code))


def test_an_unknown_category_is_missing_where_the_recipe_only_warns():
    assert math.isnan(convert("category", "poniente", ("sur",), refuse_unknown=False))


def test_serving_knows_the_same_words_as_validation():
    assert serving_values.MISSING_WORDS == conversion.MISSING_WORDS
    assert serving_values.BOOLEAN_WORDS == conversion.BOOLEAN_WORDS
