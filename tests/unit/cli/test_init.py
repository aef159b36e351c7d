"""`comal init`: what it writes and what it says."""

import json
import random

import pytest

from comal.recipe_file import load


@pytest.fixture
def rentals(tmp_path):
    """Ten weeks of a shop: count = casual + registered, so both leak it."""
    draw = random.Random(7)
    lines = ["id,day,weather,temperature,casual,registered,count"]
    for number in range(400):
        casual, registered = draw.randrange(50), draw.randrange(200)
        weather = draw.choice(["clear", "rain"])
        day = f"2026-{1 + number // 40:02}-{1 + number % 28:02}"
        temperature = round(draw.uniform(-5, 30), 1)
        lines.append(f"{number},{day},{weather},{temperature},{casual},{registered},{casual + registered}")
    path = tmp_path / "rentals.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_recipe_is_written_with_a_reason_for_every_column(comal, clone, rentals):
    result = comal("init", str(rentals), "--target", "count", "--time", "day", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["recipe"] == str(clone / "recipes/rentals.yaml")
    assert {row["column"] for row in said["columns"]} >= {"id", "weather", "casual", "registered"}
    assert all(row["why"] for row in said["columns"])
    assert set(load(clone / "recipes/rentals.yaml").features) == {"weather", "temperature"}


def test_leaks_are_warned_about(comal, clone, rentals):
    result = comal("init", str(rentals), "--target", "count")
    assert "casual" in result.stderr
    assert "registered" in result.stderr


def test_the_next_step_pushes_the_same_file(comal, clone, rentals):
    assert f"comal push rentals {rentals}" in comal("init", str(rentals), "--target", "count").stdout


def test_a_recipe_that_was_edited_is_not_replaced_without_yes(comal, clone, rentals):
    (clone / "recipes/rentals.yaml").write_text("# mine\n")
    result = comal("init", str(rentals), "--target", "count")
    assert result.exit_code == 2
    assert (clone / "recipes/rentals.yaml").read_text() == "# mine\n"
    assert comal("init", str(rentals), "--target", "count", "--yes").exit_code == 0


def test_a_target_that_is_no_column_is_an_input_error(comal, clone, rentals):
    result = comal("init", str(rentals), "--target", "sales")
    assert result.exit_code == 2
    assert "sales" in result.stderr


def test_a_file_that_is_not_there_is_an_input_error(comal, clone):
    result = comal("init", "absent.csv", "--target", "x")
    assert result.exit_code == 2
    assert "absent.csv is not a file" in result.stderr
