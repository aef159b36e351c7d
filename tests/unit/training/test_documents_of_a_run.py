import hashlib
from datetime import datetime

import pytest

from comal.lineage import Lineage, recipe_digest
from comal.recipe import Recipe
from tests.unit.training.job_folder import LAKE_FOLDER, JobFolder, NewJob, Sample
from training.card import model_card
from training.importance import Importances
from training.lineage import code_digest

# Sections and keys of https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema
SECTIONS = {
    "model_overview": {"model_name", "model_description", "problem_type", "algorithm_type"},
    "intended_uses": {
        "purpose_of_model",
        "intended_uses",
        "factors_affecting_model_efficiency",
        "risk_rating",
        "explanations_for_risk_rating",
    },
    "training_details": {"objective_function", "training_observations", "training_job_details"},
    "additional_information": {"ethical_considerations", "caveats_and_recommendations", "custom_details"},
}


@pytest.fixture
def job(new_job: NewJob, diabetes: Sample) -> JobFolder:
    job = new_job(diabetes.with_training(params={"max_depth": 2}), diabetes.batches)
    (job.paths.config / "resourceconfig.json").write_text('{"current_instance_type": "ml.m5.large"}')
    job.run()
    return job


def test_the_card_has_the_sections_of_sagemakers_schema(job: JobFolder):
    card = job.document("model_card.json")
    assert set(card) == {*SECTIONS, "evaluation_details"}
    for section, keys in SECTIONS.items():
        assert set(card[section]) <= keys
    details = card["training_details"]
    assert details["objective_function"]["function"] == {"function": "Minimize", "facet": "RMSE"}
    given = {one["name"]: one["value"] for one in details["training_job_details"]["user_provided_hyper_parameters"]}
    assert (given["max_depth"], given["eta"], given["seed"]) == ("2", "0.1", "7")
    assert all(isinstance(value, str) for value in card["additional_information"]["custom_details"].values())


def test_the_card_shows_every_models_metrics(job: JobFolder):
    evaluation = job.document("evaluation.json")
    groups = {group["name"]: group["metric_data"] for group in _groups(job)}
    assert set(groups) == {"challenger", "baseline"}
    shown = {metric["name"]: metric["value"] for metric in groups["challenger"]}
    assert shown == evaluation["challenger"]["metrics"]


def test_the_card_shows_what_matters_as_bars_of_sagemakers_schema(job: JobFolder, diabetes: Sample):
    details = {one["name"]: one for one in job.document("model_card.json")["evaluation_details"]}
    bars = [group["metric_data"][0] for group in details["Features"]["metric_groups"]]
    assert [one["name"] for one in bars] == ["rmse lost when shuffled", "mean absolute contribution (SHAP)"]
    for one in bars:
        assert (one["type"], one["y_axis_name"]) == ("bar_chart", one["name"])
        assert set(one["x_axis_name"]) == set(diabetes.recipe["features"])
        assert one["value"] == sorted(one["value"], reverse=True)


def test_a_metric_without_a_facet_of_sagemakers_is_named_in_the_notes(job: JobFolder, diabetes: Sample):
    from comal.evaluation import Evaluation

    evaluation = Evaluation.model_validate({**job.document("evaluation.json"), "metric": "r2"})
    lineage = Lineage.model_validate(job.document("lineage.json"))
    importance = Importances.model_validate(job.document("importance.json"))
    card = model_card(Recipe.model_validate(diabetes.recipe), evaluation, lineage, importance, stopped=False)
    assert card["training_details"]["objective_function"]["function"] == {"function": "Maximize"}
    assert "r2" in card["training_details"]["objective_function"]["notes"]


def test_lineage_names_every_input_by_key_and_content(job: JobFolder, diabetes: Sample):
    lineage = job.document("lineage.json")
    for batch_id, entry in zip(diabetes.batches, lineage["inputs"], strict=True):
        key = f"{LAKE_FOLDER}/{batch_id}.parquet"
        content = (job.paths.channel("train") / key).read_bytes()
        rows = diabetes.batches[batch_id].num_rows
        digest = hashlib.sha256(content).hexdigest()
        assert entry == {"key": key, "sha256": digest, "rows": rows, "version_id": ""}
    assert lineage["hardware"].startswith("ml.m5.large ")
    assert {"python", "numpy", "pyarrow", "scikit-learn"} < set(lineage["libraries"])
    assert datetime.fromisoformat(lineage["created"]).tzinfo is not None
    assert lineage["seed"] == 7


def test_a_recipes_digest_is_that_of_its_meaning(diabetes: Sample):
    spelt_out = {**diabetes.recipe, "training": {"algorithm": "xgboost"}}
    other = {**diabetes.recipe, "training": {"algorithm": "linear"}}
    digest = recipe_digest(Recipe.model_validate(diabetes.recipe))
    assert digest == recipe_digest(Recipe.model_validate(spelt_out))
    assert digest != recipe_digest(Recipe.model_validate(other))


def test_the_codes_digest_is_stable():
    assert code_digest() == code_digest()
    assert len(code_digest()) == 64


def _groups(job: JobFolder) -> list[dict]:
    return job.document("model_card.json")["evaluation_details"][0]["metric_groups"]


def test_the_importance_of_each_feature_has_its_interval_and_stands_in_the_card(job: JobFolder, diabetes: Sample):
    found = Importances.model_validate(job.document("importance.json"))
    assert {one.feature for one in found.features} == set(diabetes.recipe["features"])
    assert found.rows == job.document("evaluation.json")["held_out_rows"]
    assert found.adds_up_to == "prediction"
    for one in found.features:
        for interval in (one.loss, one.contribution):
            assert interval is not None
            assert interval[1] <= interval[0] <= interval[2]
    losses = [one.loss[0] for one in found.features if one.loss]
    assert losses == sorted(losses, reverse=True)
    # Body mass, blood pressure and s5 carry most of this table.
    assert {one.feature for one in found.features[:2]} <= {"bmi", "s5", "bp"}
    details = job.document("model_card.json")["additional_information"]["custom_details"]
    assert details["importance"].startswith(f"rmse lost when shuffled: {found.features[0].feature} ")
