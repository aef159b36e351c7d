"""What lies in a folder as a LightGBM model, and what is refused."""

from pathlib import Path

import pytest

from comal.errors import PlatformError
from tests.unit.training.job_folder import NewJob, Sample
from training.algorithms.lightgbm import LightGBMModel
from training.model import load_model


@pytest.fixture
def model(new_job: NewJob, diabetes: Sample) -> Path:
    job = new_job(diabetes.with_training(algorithm="lightgbm", params={"num_boost_round": 5}), diabetes.batches)
    job.run()
    return job.paths.model


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_text_that_was_cut_is_refused_before_lightgbm_reads_it(model: Path, share: float):
    """LightGBM itself reads without end, or beyond the end, of some of these."""
    path = model / "model.txt"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(PlatformError, match=r"model\.txt is not what model\.txt\.sha256 says: it is damaged"):
        load_model(model)


@pytest.mark.parametrize("name", ["model.txt", "model.txt.sha256"])
def test_an_absent_file_is_named(model: Path, name: str):
    (model / name).unlink()
    with pytest.raises(PlatformError, match=rf"{name} does not exist"):
        load_model(model)


def test_a_model_of_other_features_is_refused(model: Path):
    schema = load_model(model).schema
    fewer = schema.model_copy(update={"features": schema.features[:-1]})
    with pytest.raises(PlatformError, match=r"has 10 features, but its schema\.json lists 9"):
        LightGBMModel.load(model, fewer)
