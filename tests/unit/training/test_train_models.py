import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from comal.evaluation import Evaluation
from comal.recipe import Recipe
from tests.unit.training.job_folder import CHAMPION_ARN, NewJob, Sample, in_batches
from training.dataset import find_batches, read_matrix
from training.holdout import held_out_rows, read_held_out
from training.model import load_model

ALGORITHMS = ["xgboost", "lightgbm", "linear"]


def better_than_baseline(evaluation: dict) -> bool:
    challenger, baseline = evaluation["challenger"]["metrics"], evaluation["baseline"]["metrics"]
    return challenger[evaluation["metric"]] < 0.8 * baseline[evaluation["metric"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", ["diabetes", "cancer", "wine"])
def test_every_task_is_learnt_better_than_its_baseline(
    name: str, algorithm: str, new_job: NewJob, request: pytest.FixtureRequest
):
    sample: Sample = request.getfixturevalue(name)
    job = new_job(sample.with_training(algorithm=algorithm, holdout=0.3), sample.batches)
    evaluation = job.run()
    assert better_than_baseline(evaluation)
    assert evaluation["trained_rows"] + evaluation["held_out_rows"] == sample.table.num_rows
    assert Evaluation.model_validate(evaluation).champion is None


def test_the_same_inputs_and_seed_give_the_same_model_byte_for_byte(new_job: NewJob, diabetes: Sample):
    recipe = diabetes.with_training(params={"subsample": 0.7, "colsample_bytree": 0.5}, seed=11)
    digests = set()
    for _ in range(2):
        job = new_job(recipe, diabetes.batches)
        job.run()
        digests.add(hashlib.sha256((job.paths.model / "model.ubj").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_lightgbm_gives_the_same_model_byte_for_byte_on_one_thread_and_on_two(
    new_job: NewJob, diabetes: Sample, monkeypatch: pytest.MonkeyPatch
):
    params = {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.5}
    recipe = diabetes.with_training(algorithm="lightgbm", params=params)
    models = set()
    for threads in (1, 1, 2):
        monkeypatch.setattr("training.algorithms.lightgbm.threads_for", lambda matrix, threads=threads: threads)
        job = new_job(recipe, diabetes.batches)
        job.run()
        models.add((job.paths.model / "model.txt").read_text())
    assert len(models) == 1
    assert "[num_threads: 1]" in models.pop()


def test_another_seed_gives_another_model(new_job: NewJob, diabetes: Sample):
    models = []
    for seed in (1, 2):
        job = new_job(diabetes.with_training(params={"subsample": 0.7}, seed=seed), diabetes.batches)
        job.run()
        models.append((job.paths.model / "model.ubj").read_bytes())
    assert models[0] != models[1]


def test_held_out_rows_are_not_trained_on(new_job: NewJob, diabetes: Sample):
    """Wrecked targets of the held-out rows change the metrics and leave the model as it is."""
    patients = diabetes.of_patients()
    clean = new_job(patients.recipe, patients.batches)
    clean.run()
    wrecked = new_job(patients.recipe, patients.wrecked())
    assert wrecked.run()["challenger"]["metrics"]["rmse"] > 1e5
    assert (wrecked.paths.model / "model.ubj").read_bytes() == (clean.paths.model / "model.ubj").read_bytes()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_loaded_model_predicts_what_was_evaluated(new_job: NewJob, diabetes: Sample, algorithm: str):
    job = new_job(diabetes.with_training(algorithm=algorithm), diabetes.batches)
    evaluation = job.run()
    trained = load_model(job.paths.model)
    batches = find_batches(job.paths.channel("train"))
    chosen = read_held_out(batches, Recipe.model_validate(diabetes.recipe))
    matrix = read_matrix(batches, trained.schema.features, refuse_unknown=True)[chosen]
    actual = np.concatenate([diabetes.batches[batch.batch_id].column("target").to_numpy() for batch in batches])[chosen]
    rmse = np.sqrt(np.mean((trained.model.predict(matrix) - actual) ** 2))
    assert rmse == pytest.approx(evaluation["challenger"]["metrics"]["rmse"], rel=1e-6)


def test_the_schema_keeps_order_categories_and_classes(new_job: NewJob, diabetes: Sample, wine: Sample):
    job = new_job(diabetes.recipe, diabetes.batches)
    job.run()
    schema = load_model(job.paths.model).schema
    assert [feature.name for feature in schema.features] == list(diabetes.recipe["features"])
    assert schema.features[1].values == ("m", "f")
    assert schema.classes == ()
    job = new_job(wine.recipe, wine.batches)
    job.run()
    assert load_model(job.paths.model).schema.classes == (1, 2, 3)


def test_rows_without_a_target_are_left_out(new_job: NewJob, diabetes: Sample):
    target = pa.array(diabetes.table.column("target").to_numpy(), mask=np.arange(diabetes.table.num_rows) % 4 == 0)
    table = diabetes.table.set_column(diabetes.table.num_columns - 1, "target", target)
    evaluation = new_job(diabetes.recipe, in_batches(table)).run()
    assert evaluation["trained_rows"] + evaluation["held_out_rows"] == len(target) - target.null_count


class TestChampion:
    def test_an_identical_champion_scores_what_the_challenger_scores(
        self, new_job: NewJob, diabetes: Sample, tmp_path: Path
    ):
        first = new_job(diabetes.recipe, diabetes.batches)
        first.run()
        second = new_job(diabetes.recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz"))
        evaluation = second.run()
        assert evaluation["champion"] == {
            "version": 3,
            "model_package_arn": CHAMPION_ARN,
            "metrics": evaluation["challenger"]["metrics"],
            "unscored": "",
        }

    def test_recent_rows_are_those_of_batches_that_the_champion_was_not_trained_on(
        self, new_job: NewJob, diabetes: Sample, tmp_path: Path
    ):
        batches = diabetes.batches
        first = new_job(diabetes.recipe, {name: batches[name] for name in ("batch0", "batch1")})
        held_out_before = first.run()["held_out_rows"]
        champion = first.archive(tmp_path / "champion.tar.gz")
        evaluation = new_job(diabetes.recipe, batches, champion).run()
        recent = evaluation["recent"]
        assert (recent["batches"], recent["held_out_rows"]) == (1, evaluation["held_out_rows"] - held_out_before)
        assert set(recent["challenger"]) == set(recent["champion"]) == {"rmse", "mae", "r2"}
        assert recent["champion"] != evaluation["champion"]["metrics"]

    def test_without_a_batch_that_the_champion_missed_there_are_no_recent_rows(
        self, new_job: NewJob, diabetes: Sample, tmp_path: Path
    ):
        first = new_job(diabetes.recipe, diabetes.batches)
        assert first.run()["recent"] is None
        second = new_job(diabetes.recipe, diabetes.batches, first.archive(tmp_path / "champion.tar.gz"))
        assert second.run()["recent"] is None

    def test_a_champion_is_scored_by_its_own_schema(self, new_job: NewJob, diabetes: Sample, tmp_path: Path):
        """Its features in another order, fewer of them, and categories that the recipe has since added to."""
        patients = diabetes.of_patients()  # whose rows are held out by either recipe
        features = patients.recipe["features"]
        fewer = {name: features[name] for name in ("s5", "sex", "bmi")}
        old = new_job({**patients.with_training(algorithm="linear"), "features": fewer}, patients.batches)
        old_evaluation = old.run()
        grown = {**features, "sex": {"type": "category", "values": ["x", "f", "m"]}}
        new = new_job({**patients.recipe, "features": grown}, patients.batches, old.archive(tmp_path / "c.tar.gz"))
        champion = new.run()["champion"]
        assert champion["metrics"] == old_evaluation["challenger"]["metrics"]

    def test_classes_are_matched_by_label(self, new_job: NewJob, wine: Sample, tmp_path: Path):
        """The champion never saw cultivar 2: it gives that class probability 0, and keeps its own positions."""
        is_known = wine.table.column("target").to_numpy() != 2
        known = wine.table.filter(pa.array(is_known))
        old = new_job(wine.recipe, in_batches(known))
        old.run()
        evaluation = new_job(wine.recipe, wine.batches, old.archive(tmp_path / "c.tar.gz")).run()
        share_of_known = is_known[held_out_rows(wine.table, Recipe.model_validate(wine.recipe))].mean()
        assert evaluation["champion"]["metrics"]["accuracy"] == pytest.approx(share_of_known, abs=0.05)
        assert evaluation["champion"]["metrics"]["log_loss"] > evaluation["challenger"]["metrics"]["log_loss"]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [(b"no archive", "archive is refused"), (b"", "archive is refused")],
    )
    def test_a_damaged_artifact_is_unscored(
        self, new_job: NewJob, diabetes: Sample, tmp_path: Path, content: bytes, reason: str
    ):
        archive = tmp_path / "champion.tar.gz"
        archive.write_bytes(content)
        champion = new_job(diabetes.recipe, diabetes.batches, archive).run()["champion"]
        assert champion["metrics"] == {}
        assert reason in champion["unscored"]

    def test_an_absent_artifact_is_unscored(self, new_job: NewJob, diabetes: Sample, tmp_path: Path):
        archive = tmp_path / "champion.tar.gz"
        archive.touch()
        job = new_job(diabetes.recipe, diabetes.batches, archive)
        (job.paths.channel("champion") / "model.tar.gz").unlink()
        assert job.run()["champion"]["unscored"] == "The champion channel has no model.tar.gz."

    def test_a_champion_of_another_task_is_unscored(
        self, new_job: NewJob, diabetes: Sample, cancer: Sample, tmp_path: Path
    ):
        old = new_job({**cancer.recipe, "model": "diabetes"}, cancer.batches)
        old.run()
        champion = new_job(diabetes.recipe, diabetes.batches, old.archive(tmp_path / "c.tar.gz")).run()["champion"]
        assert champion["unscored"] == "it predicts binary of 'target', the recipe regression of 'target'"

    def test_a_champion_with_a_feature_that_the_data_lost_is_unscored(
        self, new_job: NewJob, diabetes: Sample, tmp_path: Path
    ):
        old = new_job(diabetes.recipe, diabetes.batches)
        old.run()
        features = {name: feature for name, feature in diabetes.recipe["features"].items() if name != "s6"}
        batches = in_batches(diabetes.table.drop_columns(["s6"]))
        new = new_job({**diabetes.recipe, "features": features}, batches, old.archive(tmp_path / "c.tar.gz"))
        champion = new.run()["champion"]
        assert "has no column 's6'" in champion["unscored"]

    def test_a_binary_champion_of_other_classes_is_unscored(self, new_job: NewJob, cancer: Sample, tmp_path: Path):
        old = new_job(cancer.recipe, cancer.batches)
        old.run()
        numbers = pa.array([int(label == "benign") for label in cancer.table.column("target").to_pylist()])
        table = cancer.table.set_column(cancer.table.num_columns - 1, "target", numbers)
        champion = new_job(cancer.recipe, in_batches(table), old.archive(tmp_path / "c.tar.gz")).run()["champion"]
        assert "it tells ('benign', 'malignant') apart, the rows hold (0, 1)" in champion["unscored"]
