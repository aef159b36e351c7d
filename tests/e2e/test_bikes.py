"""Real, drifting data (UCI bike sharing): drafted, pushed month by month, trained, asked."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from comal.cli.following import wait_for_endpoint
from comal.cli.patience import wait_for
from comal.cli.repository import Repository
from comal.cli.target import Target
from comal.cli.versions import champion_of, versions_of
from comal.clients import Connection
from comal.recipe import Recipe
from comal.recipe_file import load
from tests.e2e.clone import Clone
from tests.running_cloud import REGION, REPOSITORY

BIKES = REPOSITORY.parent / "shared/data/bikes_hour.csv"
MODEL = "bikes"
TRAINING_TIMEOUT_S = 120

pytestmark = pytest.mark.skipif(not BIKES.is_file(), reason="the bikes data is not on this machine")


@pytest.fixture(scope="module")
def recipe(clone: Clone) -> Recipe:
    drafted = clone.comal("init", str(BIKES), "--target", "cnt", "--time", "dteday", "--name", MODEL)
    (clone.root / "drafted.txt").write_text(drafted.stdout + drafted.stderr)
    return load(clone.root / f"recipes/{MODEL}.yaml")


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The months of 2011, a file each."""
    rows = defaultdict(list)
    with BIKES.open() as file:
        reader = csv.DictReader(file)
        for row in reader:
            month, _, year = row["dteday"].split("/")
            if year == "2011":
                rows[int(month)].append(row)
    folder = tmp_path_factory.mktemp("months")
    paths = []
    for month, month_rows in sorted(rows.items()):
        path = folder / f"2011-{month:02}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, reader.fieldnames or [])
            writer.writeheader()
            writer.writerows(month_rows)
        paths.append(path)
    return paths


def target(clone: Clone) -> Target:
    connection = Connection(REGION, f"http://127.0.0.1:{clone.port}", access_key="test", secret_key="test")
    return Target(Repository(clone.root), "local", connection)


def test_columns_that_leak_the_target_are_flagged_and_left_out(clone, recipe):
    assert not {"casual", "registered", "cnt", "instant"} & set(recipe.features)
    said = (clone.root / "drafted.txt").read_text()
    assert "casual" in said
    assert "registered" in said


def test_all_months_of_2011_are_validated(clone, recipe, months):
    clone.comal("up")
    batches = clone.json("push", MODEL, *map(str, months))
    assert [batch["status"] for batch in batches] == ["validated"] * 12
    assert sum(batch["rows"] for batch in batches) == 8645


def test_a_model_is_trained_and_served(clone, recipe):
    champion = wait_for(
        lambda: champion_of(versions_of(target(clone), MODEL)),
        what="a champion",
        timeout_s=TRAINING_TIMEOUT_S,
        next_step="Look at the log.",
    )
    assert wait_for_endpoint(target(clone), MODEL, champion["version"])["status"] == "InService"


def test_the_model_is_asked_about_a_whole_file(clone, months):
    answer = clone.json("invoke", MODEL, "--file", str(months[0]))
    assert len(answer["predictions"]) == 688
