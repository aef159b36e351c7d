import pyarrow as pa

from comal.profile import CategoryProfile, NumberProfile, Profile
from tests.unit.training.job_folder import NewJob, Sample


def test_the_profile_is_that_of_the_rows_trained_on(new_job: NewJob, diabetes: Sample):
    job = new_job(diabetes.recipe, diabetes.batches)
    trained_rows = job.run()["trained_rows"]
    profile = Profile.from_json((job.paths.model / "profile.json").read_text())
    assert (profile.model, profile.rows) == ("diabetes", trained_rows)
    assert list(profile.columns) == [*diabetes.recipe["features"], "target"]
    sex, pressure, target = (profile.columns[name] for name in ("sex", "bp", "target"))
    assert isinstance(sex, CategoryProfile)
    assert set(sex.values) == {"f", "m"}
    assert isinstance(pressure, NumberProfile)
    assert pressure.missing > 0
    assert target.count == trained_rows


def test_labels_of_different_types_are_profiled_as_one_column(new_job: NewJob, wine: Sample):
    batches = dict(wine.batches)
    texts = batches["batch0"].column("target").cast(pa.string())
    batches["batch0"] = batches["batch0"].set_column(wine.table.num_columns - 1, "target", texts)
    job = new_job(wine.recipe, batches)
    job.run()
    target = Profile.from_json((job.paths.model / "profile.json").read_text()).columns["target"]
    assert isinstance(target, CategoryProfile)
    assert set(target.values) == {"1", "2", "3"}
    assert job.document("schema.json")["classes"] == ["1", "2", "3"]


def test_integers_beyond_a_doubles_precision_are_profiled(new_job: NewJob):
    features = {"x": {"type": "integer"}}
    recipe = {"model": "mm", "task": "regression", "target": "y", "features": features}
    table = pa.table({"x": [2**60 + position for position in range(60)], "y": [float(v % 5) for v in range(60)]})
    job = new_job(recipe, {"b1": table})
    assert job.run()["trained_rows"] == 47
