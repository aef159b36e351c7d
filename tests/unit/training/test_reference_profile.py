from datetime import UTC, datetime

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


def test_the_prediction_profile_is_that_of_the_answers_to_held_out_rows(
    new_job: NewJob, diabetes: Sample, wine: Sample
):
    for sample, kind in ((diabetes, NumberProfile), (wine, CategoryProfile)):
        job = new_job(sample.recipe, sample.batches)
        held_out_rows = job.run()["held_out_rows"]
        profile = Profile.from_json((job.paths.output / "prediction_profile.json").read_text())
        assert (list(profile.columns), profile.rows) == (["target"], held_out_rows)
        answers = profile.columns["target"]
        assert isinstance(answers, kind)
        assert (answers.count, answers.missing) == (held_out_rows, 0)
        if isinstance(answers, CategoryProfile):
            assert set(answers.values) <= {"1", "2", "3"}


def test_a_seasonal_recipe_profiles_each_hour_of_the_week(new_job: NewJob):
    times = [datetime(2026, 1, 5, hour, minute, tzinfo=UTC) for hour in (9, 10) for minute in range(60)]
    table = pa.table({"x": [float(n) for n in range(120)], "y": [float(n % 7) for n in range(120)], "at": times})
    recipe = {
        "model": "mm",
        "task": "regression",
        "target": "y",
        "event_time": {"column": "at"},
        "features": {"x": {"type": "number"}},
        "monitoring": {"reference": "seasonal"},
    }
    job = new_job(recipe, {"b1": table})
    evaluation = job.run()
    for name, rows in (("profile.json", "trained_rows"), ("prediction_profile.json", "held_out_rows")):
        profile = Profile.from_json((job.paths.model / name).read_text())
        assert set(profile.strata) == {"mon-09", "mon-10"}
        assert sum(stratum.rows for stratum in profile.strata.values()) == evaluation[rows]
        for stratum in profile.strata.values():
            assert set(stratum.columns) == set(profile.columns)
    hours = Profile.from_json((job.paths.model / "profile.json").read_text()).strata
    early, late = (hours[name].columns["x"] for name in ("mon-09", "mon-10"))
    assert isinstance(early, NumberProfile)
    assert isinstance(late, NumberProfile)
    assert early.max is not None
    assert late.min is not None
    assert early.max < 60 <= late.min
    assert early.edges == late.edges


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
    assert job.run()["trained_rows"] == 48
