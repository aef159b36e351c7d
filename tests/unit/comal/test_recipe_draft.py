import csv
import random
import string
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comal import recipe_file
from comal.contract import check_file
from comal.errors import DataError, UserError
from comal.leaks import exact_combination, share_explained
from comal.recipe_draft import Draft, draft
from comal.time_format import TimeFormat
from tests.running_cloud import REPOSITORY

BIKES = REPOSITORY.parent / "shared/data/bikes_hour.csv"
ROWS = 400
RANDOM = random.Random(7)


def make_columns() -> dict[str, list[object]]:
    """Columns of every kind that a draft has to tell apart."""
    amounts = [round(RANDOM.uniform(5, 90), 2) for _ in range(ROWS)]
    tips = [round(RANDOM.uniform(0, 10), 2) for _ in range(ROWS)]
    return {
        "order": list(range(1000, 1000 + ROWS)),
        "uid": [str(uuid.UUID(int=RANDOM.getrandbits(128))) for _ in range(ROWS)],
        "at": [f"{1 + n % 12}/{1 + n % 28}/2026" for n in range(ROWS)],
        "hour": [n % 24 for n in range(ROWS)],
        "people": [RANDOM.choice([1, 1, 1, 2, 2, 3, 9]) for _ in range(ROWS)],
        "store": [RANDOM.choice(["no", "centro", "sur, bar"]) for _ in range(ROWS)],
        "rain": [RANDOM.choice(["yes", "no"]) for _ in range(ROWS)],
        "note": [" ".join(RANDOM.choices(["late", "very", "good", "taco", str(n)], k=6)) for n in range(ROWS)],
        "code": ["".join(RANDOM.choices(string.ascii_letters, k=9)) for _ in range(ROWS)],
        "country": ["mx"] * ROWS,
        "empty": [""] * ROWS,
        "gap": ["" if n % 10 else n for n in range(ROWS)],
        "temp": ["" if n % 25 == 0 else round(RANDOM.uniform(-5, 40), 1) for n in range(ROWS)],
        "amount": amounts,
        "tip": tips,
        "total": [round(2 * amount - tip + 3, 4) for amount, tip in zip(amounts, tips, strict=True)],
        "minutes": [RANDOM.randint(1, 90) for _ in range(ROWS)],
    }


@pytest.fixture
def write(tmp_path):
    def write_columns(columns, name="tacos_2026.csv"):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        return path

    return write_columns


def roles(drafted: Draft) -> dict[str, str]:
    return {guess.column: guess.role for guess in drafted.guesses}


def reasons(drafted: Draft) -> dict[str, str]:
    return {guess.column: guess.why for guess in drafted.guesses}


def test_each_kind_of_column_is_told_from_the_others(write):
    path = write(make_columns())
    drafted = draft(path, "minutes", time="at", entity="uid")
    assert roles(drafted) == {
        "order": "left out",
        "uid": "entity",
        "at": "event_time",
        "hour": "integer",
        "people": "integer",
        "store": "category",
        "rain": "boolean",
        "note": "left out",
        "code": "left out",
        "country": "left out",
        "empty": "left out",
        "gap": "left out",
        "temp": "number",
        "amount": "number",
        "tip": "number",
        "total": "number",
        "minutes": "target",
    }
    why = reasons(drafted)
    assert "id" in why["order"]
    assert "free text" in why["note"]
    assert "every row" in why["code"]
    assert "in every row, so it tells nothing" in why["country"]
    assert "empty" in why["empty"]
    assert "90% is missing" in why["gap"]
    recipe = recipe_file.parse(drafted.yaml.encode(), "draft")
    assert (recipe.model, recipe.task, recipe.entity) == ("tacos-2026", "regression", "uid")
    assert recipe.event_time.format == "%m/%d/%Y"
    assert (recipe.features["hour"].min, recipe.features["hour"].max) == (0, 23)
    assert recipe.features["people"].max > 9
    assert recipe.features["store"].values == ["centro", "no", "sur, bar"]
    assert recipe.validation.max_missing == 0.05
    assert check_file(path, recipe, lambda rows: None).accepted
    assert drafted.warnings == []
    for guess in drafted.guesses:
        assert guess.why in drafted.yaml or guess.role in ("target", "entity", "event_time")


def test_parts_of_an_exact_combination_are_left_out_and_nothing_else(write):
    drafted = draft(write(make_columns()), "total", time="at", entity="uid")
    left_out = {name for name, why in reasons(drafted).items() if "leak" in why}
    assert left_out == {"amount", "tip"}
    assert "'amount' and 'tip' together give the target 'total' exactly" in drafted.warnings[0]


def test_a_copy_of_the_target_is_left_out_and_a_near_copy_is_warned_of(write):
    columns = make_columns()
    columns["cents"] = [minutes * 100 for minutes in columns["minutes"]]
    columns["near"] = [minutes + RANDOM.uniform(-1, 1) for minutes in columns["minutes"]]
    drafted = draft(write(columns), "minutes", time="at", entity="uid")
    assert roles(drafted)["cents"] == "left out"
    assert roles(drafted)["near"] == "number"
    assert any(warning.startswith("'near' alone explains 99.") for warning in drafted.warnings)


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["yes", "no"], "binary"),
        (["0", "1"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([0, 1, 2], "multiclass"),
        ([3, 5, 9], "regression"),
        ([1.5, 2.5, 9.0, 4.25], "regression"),
    ],
)
def test_the_task_follows_from_the_target(write, target, task):
    columns = {"x": list(range(50, 0, -1)), "y": [target[n % len(target)] for n in range(50)]}
    assert recipe_file.parse(draft(write(columns), "y").yaml.encode(), "draft").task == task


def test_a_text_that_decides_a_binary_target_is_warned_of(write):
    columns = {"x": [n % 7 for n in range(80)], "paid": ["a", "b"] * 40, "y": ["won", "lost"] * 40}
    drafted = draft(write(columns), "y")
    assert "'paid' alone explains 100.0%" in drafted.warnings[0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": "nothing"}, UserError, "no column 'nothing' (--target)"),
        ({"target": "minutes", "time": "store"}, DataError, "does not hold times in one format"),
        ({"target": "minutes", "entity": "minutes"}, UserError, "the entity at once"),
        ({"target": "minutes", "name": "My Model"}, UserError, "cannot be the name of a model"),
        ({"target": "country"}, DataError, "nothing to learn"),
        ({"target": "empty"}, DataError, "is empty"),
    ],
)
def test_what_cannot_be_drafted_is_said(write, options, error, words):
    with pytest.raises(error) as caught:
        draft(write(make_columns()), **options)
    assert words in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"\x89PNG\0\xff", b"a,b\n1\n"])
def test_a_file_that_cannot_be_read_is_a_data_error(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(DataError):
        draft(path, "b")


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["2011-01-01", "2011-01-02T10:00:00Z"], "iso"),
        (["1/2/2011", "1/13/2011"], "%m/%d/%Y"),
        (["1/2/2011", "13/1/2011"], "%d/%m/%Y"),
        (["31.12.2011 23:59"], "%d.%m.%Y %H:%M"),
        (["20111231", "20120101"], "iso"),
        (["1300000000"], "epoch_s"),
        (["1300000000000"], "epoch_ms"),
        (["12", "13"], None),
        (["x"], None),
    ],
)
def test_the_format_of_times_is_found(values, pattern):
    times = TimeFormat()
    for value in values:
        times.add(pa.array([value]))
    assert (times.candidates[0] if times.candidates else None) == pattern


def test_a_combination_is_not_found_by_chance():
    generator = np.random.default_rng(1)
    columns = {str(n): generator.normal(size=40) for n in range(30)}
    assert exact_combination(columns, generator.normal(size=40)) == []
    noisy = columns["0"] + columns["1"] + generator.normal(scale=1e-3, size=40)
    assert exact_combination({name: columns[name] for name in "012"}, noisy) == []


def test_variance_explained_is_between_nothing_and_all():
    generator = np.random.default_rng(1)
    values = generator.integers(0, 5, 1000).astype(float)
    assert share_explained(values, (values - 2) ** 2) == pytest.approx(1)
    assert share_explained(values, generator.normal(size=1000)) < 0.05
    assert share_explained(np.zeros(1000), values) == 0


def test_values_near_the_largest_float_are_weighed_like_any_others():
    generator = np.random.default_rng(1)
    values = generator.integers(-4, 5, 1000) * 2e307
    assert share_explained(values, -values) == pytest.approx(1)
    assert exact_combination({"huge": values, "noise": generator.normal(size=1000)}, values / 1e307) == ["huge"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.just("")),
            st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
            st.integers(0, 30),
        ),
        min_size=8,
        max_size=40,
    )
)
def test_a_draft_accepts_the_file_it_was_drafted_from(write, rows):
    number, text, target = (list(column) for column in zip(*rows, strict=True))
    path = write({"number": number, "te: xt #": text, "target": target})
    try:
        drafted = draft(path, "target")
    except DataError:
        return
    assert drafted.warnings == [] or "leak" in drafted.warnings[0] or "single class" in drafted.warnings[0]
    assert check_file(path, recipe_file.parse(drafted.yaml.encode(), "draft"), lambda rows: None).accepted


@pytest.mark.skipif(not BIKES.is_file(), reason="the bikes data is not beside the project")
def test_the_bikes_are_drafted_with_their_leaks_and_ids_left_out(tmp_path):
    drafted = draft(BIKES, "cnt", time="dteday", name="bikes")
    left_out = {guess.column for guess in drafted.guesses if guess.role == "left out"}
    assert left_out == {"instant", "casual", "registered"}
    recipe = recipe_file.parse(drafted.yaml.encode(), "draft")
    assert (recipe.task, recipe.event_time.format) == ("regression", "%m/%d/%Y")
    assert (recipe.features["hr"].min, recipe.features["hr"].max) == (0, 23)
    assert check_file(BIKES, recipe, lambda rows: None).accepted
