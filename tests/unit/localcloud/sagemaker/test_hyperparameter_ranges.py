from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.sagemaker.tuning.ranges import check_ranges, draw

scales = st.sampled_from(["Auto", "Linear", "Logarithmic"])


@given(st.integers(1, 50), st.integers(1, 10_000), scales, st.integers(0, 1000), st.integers(1, 500))
def test_an_integer_lies_within_its_bounds(low: int, span: int, scale: str, seed: int, trial: int) -> None:
    one = {"Name": "depth", "MinValue": str(low), "MaxValue": str(low + span), "ScalingType": scale}
    ranges = {"IntegerParameterRanges": [one]}
    check_ranges(ranges)
    assert low <= int(draw(ranges, seed, trial)["depth"]) <= low + span


@given(st.floats(1e-6, 10), st.floats(1e-3, 1e3), scales, st.integers(0, 1000))
def test_a_continuous_value_lies_within_its_bounds_and_is_the_same_again(
    low: float, span: float, scale: str, seed: int
) -> None:
    one = {"Name": "eta", "MinValue": str(low), "MaxValue": str(low + span), "ScalingType": scale}
    ranges = {"ContinuousParameterRanges": [one]}
    values = draw(ranges, seed, 1)
    assert low <= float(values["eta"]) <= low + span
    assert draw(ranges, seed, 1) == values


def test_the_scale_says_where_values_are_dense() -> None:
    def share_below(bound: float, low: str, high: str, scale: str) -> float:
        one = {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scale}
        drawn = [float(draw({"ContinuousParameterRanges": [one]}, 1, trial)["x"]) for trial in range(400)]
        return sum(value < bound for value in drawn) / len(drawn)

    assert 0.05 < share_below(0.1, "0.0001", "1", "Linear") < 0.15
    assert 0.68 < share_below(0.1, "0.0001", "1", "Logarithmic") < 0.82
    assert 0.68 < share_below(0.1, "0.0001", "1", "Auto") < 0.82
    assert share_below(0.9, "0", "0.999", "ReverseLogarithmic") < 0.4


def test_each_integer_is_as_likely_as_the_next() -> None:
    one = {"Name": "depth", "MinValue": "2", "MaxValue": "4", "ScalingType": "Linear"}
    drawn = [draw({"IntegerParameterRanges": [one]}, 3, trial)["depth"] for trial in range(600)]
    assert all(150 < drawn.count(value) < 250 for value in "234")
