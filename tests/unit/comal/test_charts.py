import xml.etree.ElementTree as ET

import pytest

from comal.charts import Dot, Pair, Series, intervals, paired_bars, standalone, swarm, xy

EVIL = "<script>alert('&')</script>"
CHARTS = [
    xy(EVIL, EVIL, EVIL, [Series(EVIL, [0, 1], [2, 3]), Series("other", [0.5], [1], joined=False)], guide="diagonal"),
    intervals(EVIL, EVIL, [(EVIL, 1.0, 0.5, 2.0), ("none", 0.0, -0.1, 0.1)]),
    swarm(EVIL, EVIL, [(EVIL, [Dot(0.0, 0.0), Dot(0.0, 1.0), Dot(3.0, None)])]),
    paired_bars(EVIL, [Pair(EVIL, 0.2, 0.3), Pair("b", 0.8, 0.7)], ("reference", "window")),
]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_well_formed_and_what_it_is_called_is_never_markup(chart):
    root = ET.fromstring(chart)
    assert root.attrib["aria-label"] == EVIL
    assert "<script" not in chart
    assert "://" not in chart
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    for mark in [*root.iter("circle"), *root.iter("rect")]:
        assert 0 <= float(mark.attrib.get("cx", mark.attrib.get("x"))) <= width
        assert 0 <= float(mark.attrib.get("cy", mark.attrib.get("y"))) <= height


@pytest.mark.parametrize(
    "chart",
    [
        xy("", "x", "y", [Series("none", [], [])]),
        xy("", "x", "y", [Series("one", [1, 1], [2, 2])]),
        intervals("", "x", []),
        swarm("", "x", [("nobody", [])]),
        paired_bars("", [], ("a", "b")),
    ],
)
def test_what_has_nothing_to_show_is_empty(chart):
    assert chart == ""


def test_axes_are_marked_with_round_numbers_that_hold_every_point():
    chart = xy("", "x", "y", [Series("line", [0.13, 41.7], [-3.2, 1e-9])])
    texts = [element.text for element in ET.fromstring(chart).iter("text")]
    assert texts[:6] == ["0", "10", "20", "30", "40", "50"]
    assert {"-4", "0"} <= set(texts[7:])


def test_constant_values_have_an_axis_too():
    assert "polyline" in xy("", "x", "y", [Series("flat", [1, 2], [5, 5])])


def test_a_file_of_its_own_names_its_format():
    assert ET.fromstring(standalone(CHARTS[0])).tag == "{http://www.w3.org/2000/svg}svg"
