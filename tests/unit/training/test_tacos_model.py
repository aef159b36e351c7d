"""The kit's own recipe on the simulated chain: the model finds the truth, and new data pays."""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from comal.recipe import Recipe
from tests.unit.training.job_folder import NewJob

REPOSITORY = Path(__file__).parents[3]
START = date(2026, 1, 5)


@pytest.fixture
def recipe() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "recipes" / "tacos.yaml").read_text())


def weeks(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[pa.Table]:
    """Two weeks of orders with ids as the lake's; examples/ is no installed package."""
    monkeypatch.syspath_prepend(REPOSITORY)
    from examples.tacos.simulator import simulate, week

    orders = simulate(START, 14, seed)
    return [week(orders, START, number) for number in (1, 2)]


@pytest.mark.parametrize("seed", [7, 8])
def test_a_model_gets_near_the_noise_and_a_second_week_beats_it(
    seed: int, recipe: dict[str, Any], new_job: NewJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first_week, second_week = weeks(seed, monkeypatch)
    truth = sys.modules["examples.tacos.truth"]
    first = new_job(recipe, {f"week1-{seed}": first_week})
    evaluation = first.run()
    rmse = evaluation["challenger"]["metrics"]["rmse"]
    assert truth.NOISE_MINUTES < rmse < 1.2 * truth.NOISE_MINUTES
    assert rmse < 0.4 * evaluation["baseline"]["metrics"]["rmse"]
    assert rmse < recipe["gate"]["at_most"]

    both = {f"week1-{seed}": first_week, f"week2-{seed}": second_week}
    second = new_job(recipe, both, first.archive(tmp_path / "champion.tar.gz")).run()
    challenger, champion = second["challenger"]["metrics"]["rmse"], second["champion"]["metrics"]["rmse"]
    assert challenger < champion - 0.05
    recent = second["recent"]
    assert recent["batches"] == 1
    assert recent["held_out_rows"] < second["held_out_rows"]
    # All of the second week's rows are of the new oven, which the champion never saw.
    assert recent["champion"]["rmse"] - recent["challenger"]["rmse"] > champion - challenger
    assert challenger < recipe["gate"]["at_most"]


def test_the_model_learns_how_long_a_ride_takes(
    recipe: dict[str, Any], new_job: NewJob, monkeypatch: pytest.MonkeyPatch
):
    """Asked about the same order at 1 km and at 4 km, in clear weather and in rain, it answers nearly the truth."""
    from training.model import load_model
    from training.serve.decode import JSON_TYPE, Decoder

    job = new_job(recipe, {"week1": weeks(7, monkeypatch)[0]})
    job.run()
    trained = load_model(job.paths.model)
    order = '{"store": "centro", "weekday": "wed", "hour": 16, "staff": 4, "basket_size": 4, "delivery": true'
    asked = [
        f'{order}, "weather": "{weather}", "distance_km": {km}}}' for weather in ("clear", "rain") for km in (1, 4)
    ]
    matrix = Decoder(trained.schema).decode(f"[{','.join(asked)}]".encode(), JSON_TYPE)
    clear_near, clear_far, rain_near, rain_far = trained.model.predict(matrix)
    per_km = sys.modules["examples.tacos.truth"].MINUTES_PER_KM
    np.testing.assert_allclose(clear_far - clear_near, 3 * per_km, atol=2.0)
    np.testing.assert_allclose(rain_far - rain_near, 3 * per_km * 1.35, atol=2.0)


def test_the_gpu_recipe_asks_for_a_spot_gpu_and_the_same_columns(recipe: dict[str, Any]):
    gpu = yaml.safe_load((REPOSITORY / "recipes" / "tacos-gpu.yaml").read_text())
    assert Recipe.model_validate(gpu).training.uses_gpu
    assert (gpu["training"]["spot"], gpu["training"]["instance"]) == (True, "ml.g5.xlarge")
    assert gpu["features"] == recipe["features"]


def test_the_recipe_of_the_tacos_shows_every_section(recipe: dict[str, Any]):
    assert set(recipe) == set(Recipe.model_fields)
