"""The page of a window: escaped, self-contained, drawn for every kind of column."""

from datetime import UTC, datetime

from comal.profile import BooleanProfile, CategoryProfile, NumberProfile, Profile
from lambdas.monitor_endpoint.comparison import Comparison, References, scores_of
from lambdas.monitor_endpoint.counting import Window
from lambdas.monitor_endpoint.window_profile import WindowProfiles
from lambdas.monitor_endpoint.window_report import WindowReport
from tests.unit.comal.registry_samples import make_recipe

EVIL = "<script>alert('&')</script>"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
RECIPE = make_recipe(
    features={
        "distance_km": {"type": "number"},
        EVIL: {"type": "category", "values": [EVIL, "b"]},
        "delivery": {"type": "boolean"},
    }
)


def profile(rows: int, low: int, evil: int, true: int) -> Profile:
    columns = {
        "distance_km": NumberProfile(
            count=rows, missing=0, min=0, max=9, mean=4, std=1, edges=(1.0, 2.0), bins=(low, rows - low, 0)
        ),
        EVIL: CategoryProfile(count=rows, missing=0, values={EVIL: evil, "b": rows - evil}),
        "delivery": BooleanProfile(count=rows, missing=0, true=true),
    }
    return Profile(model="tacos", rows=rows, columns=columns)


def report(window: Profile, rows: int = 1000) -> WindowReport:
    compared = Comparison(References(profile(1000, 500, 500, 500), None), None, ["nothing was validated"])
    found = WindowProfiles(window.rows, NOW, NOW, [window])
    scores = scores_of(found.profiles, compared, RECIPE, 1)
    return WindowReport(Window("dev", "tacos", 3, 0, rows), 1, NOW, found, compared, scores, RECIPE)


def test_what_the_data_says_is_never_markup():
    page = report(profile(1000, 100, 900, 500)).to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page
    assert "https://" not in page


def test_every_column_is_drawn_with_the_farthest_first():
    page = report(profile(1000, 100, 900, 500)).to_html()
    assert page.count("<svg") == 3
    assert page.index("delivery (drift)") > page.index("distance_km (drift)")
    assert "a threshold is reached" in page


def test_a_calm_window_says_that_there_is_nothing_to_do():
    found = report(profile(1000, 500, 500, 500))
    assert found.to_dict()["next_steps"] == ["Nothing to do: no score has reached its threshold of 1."]
    assert "nothing unusual" in found.to_html()


def test_rows_that_the_lake_lost_are_told():
    assert "200 of 1000 rows are no longer in the lake" in report(profile(800, 400, 400, 400)).to_html()
