"""register_model against the local cloud's registry and buckets."""

import io
import json
import tarfile
from datetime import UTC, datetime
from typing import Any

import pytest

from comal import registry, s3_layout
from comal.errors import AlgorithmError
from comal.evaluation import Evaluation
from comal.lineage import Input, Lineage
from lambdas.register_model.handler import handle
from lambdas.register_model.logic import CHAMPION_CHANGED, Registration
from lambdas.register_model.package import package_request
from lambdas.register_model.training_output import FinishedJob, read_output
from tests.unit.comal.registry_samples import complaints, make_recipe
from tests.unit.lambdas.lambda_stack import Context, LambdaStack

BATCH_KEY = "validated/tacos/v1/dt=2026-03-01/b1.parquet"
RUN_ID = "0123456789ab"
ENDED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

CARD = {"model_overview": {"model_name": "tacos"}, "intended_uses": {"risk_rating": "Unknown"}}


def evaluation_of(run_id: str, rmse: float, champion: dict[str, Any] | None) -> Evaluation:
    scores = None
    if champion:
        scores = {**champion, "metrics": {"rmse": 5.0}}
    return Evaluation.model_validate(
        {
            "model": "tacos",
            "run_id": run_id,
            "task": "regression",
            "metric": "rmse",
            "trained_rows": 900,
            "held_out_rows": 100,
            "challenger": {"metrics": {"rmse": rmse, "r2": 0.5}},
            "champion": scores,
            "baseline": {"metrics": {"rmse": 9.0}},
        }
    )


def lineage_of(run_id: str) -> Lineage:
    return Lineage(
        model="tacos",
        run_id=run_id,
        inputs=[Input(key=BATCH_KEY, sha256="0" * 64, rows=1000)],
        recipe_sha256="1" * 64,
        code_sha256="2" * 64,
        libraries={"python": "3.12.1"},
        seed=7,
        hardware="ml.m5.large x86_64 cpu",
        created=ENDED_AT.isoformat(),
        artifact_files=["linear.json", "recipe.json", "schema.json"],
        artifact_sha256="3" * 64,
    )


def finish_job(
    stack: LambdaStack, run_id: str = RUN_ID, rmse: float = 4.0, champion: dict[str, Any] | None = None, **files: str
) -> dict[str, Any]:
    """What a job leaves in S3, and the state of its execution."""
    job = stack.names.training_job(stack.model, run_id)
    bucket = stack.names.bucket("models")
    recipe_key = s3_layout.run_recipe_prefix(stack.model, run_id) + "recipe.json"
    stack.s3.put_object(Bucket=bucket, Key=recipe_key, Body=stack.recipe.model_dump_json().encode())
    contents = {
        "evaluation.json": evaluation_of(run_id, rmse, champion).model_dump_json(),
        "model_card.json": json.dumps(CARD, indent=2),
        "profile.json": json.dumps({"rows": 900, "run": run_id}),
        "prediction_profile.json": json.dumps({"rows": 100, "run": run_id}),
        "lineage.json": lineage_of(run_id).model_dump_json(),
        "run.json": json.dumps({"run_id": run_id}),
        "report.html": "<!doctype html>",
        **files,
    }
    key = s3_layout.run_output_key(stack.model, run_id, job, "output")
    stack.s3.put_object(Bucket=bucket, Key=key, Body=_pack(contents))
    model_key = s3_layout.run_output_key(stack.model, run_id, job, "model")
    stack.s3.put_object(Bucket=bucket, Key=model_key, Body=_pack({"model.ubj": "{", "schema.json": "{}"}))
    stack.s3.put_object(Bucket=stack.names.bucket("lake"), Key=BATCH_KEY, Body=b"rows")
    return {
        "model": stack.model,
        "run_id": run_id,
        "training_job": {"TrainingJobName": job},
        "champion": champion,
        "training_job_result": {
            "TrainingEndTime": int(ENDED_AT.timestamp() * 1000),
            "ModelArtifacts": {"S3ModelArtifacts": f"s3://{bucket}/{model_key}"},
        },
    }


def _pack(contents: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def register(state: dict[str, Any]) -> dict[str, Any]:
    return handle(state, Context())


def champion_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {"version": answer["version"], "model_package_arn": answer["model_package_arn"]}


def detail_types(stack: LambdaStack, number: int) -> list[str]:
    return sorted(event["detail-type"] for event in stack.events(lambda heard: len(heard) >= number))


def reference_profile(stack: LambdaStack) -> dict[str, Any] | None:
    return profile_at(stack, s3_layout.reference_profile_key(stack.model))


def profile_at(stack: LambdaStack, key: str) -> dict[str, Any] | None:
    try:
        answer = stack.s3.get_object(Bucket=stack.names.bucket("lake"), Key=key)
    except stack.s3.exceptions.NoSuchKey:
        return None
    profile: dict[str, Any] = json.loads(answer["Body"].read())
    return profile


def test_of_a_tuning_job_the_best_training_job_is_registered() -> None:
    best = {"TrainingJobName": "dev-0123-002-abcd1234", "TrainingEndTime": 1_767_225_600_000}
    state = {
        "model": "tacos",
        "run_id": RUN_ID,
        "training_job": {
            "TrainingJobName": "dev-tacos-0123",
            "OutputDataConfig": {"S3OutputPath": "s3://m/tacos/runs/0"},
        },
        "tuning_result": {"BestTrainingJob": best},
    }
    job = FinishedJob.from_state(state)
    assert job.job_name == best["TrainingJobName"]
    assert job.model_data_url == "s3://m/tacos/runs/0/dev-0123-002-abcd1234/output/model.tar.gz"
    assert job.ended_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_first_version_is_registered_and_approved(lambda_stack: LambdaStack) -> None:
    answer = register(finish_job(lambda_stack))
    assert (answer["version"], answer["approval"]) == (1, "Approved")
    version = registry.champion(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model)
    assert version is not None
    assert version.why == answer["why"]
    assert version.why.startswith("rmse 4 on 100 held-out rows")
    assert version.metrics == {"rmse": 4.0, "r2": 0.5}
    assert (version.run_id, version.trained_rows) == (RUN_ID, 900)
    assert version.expires_at == datetime(2026, 5, 30, 12, tzinfo=UTC)
    assert reference_profile(lambda_stack) == {"rows": 900, "run": RUN_ID}
    evaluation = lambda_stack.s3.get_object(
        Bucket=lambda_stack.names.bucket("models"), Key=s3_layout.run_evaluation_key(lambda_stack.model, RUN_ID)
    )
    assert Evaluation.model_validate_json(evaluation["Body"].read()).run_id == RUN_ID
    assert detail_types(lambda_stack, 2) == ["ModelApproved", "ModelRegistered"]


def test_a_version_holds_its_card_as_a_package_takes_it(lambda_stack: LambdaStack) -> None:
    lambda_stack.recipe = make_recipe(registry={"owner": "kitchen"})
    answer = register(finish_job(lambda_stack))
    package = lambda_stack.sagemaker.describe_model_package(ModelPackageName=answer["model_package_arn"])
    content = package["ModelCard"]["ModelCardContent"]
    assert package["ModelCard"]["ModelCardStatus"] == "PendingReview"
    assert "\n" not in content
    assert json.loads(content) == {**CARD, "model_overview": {"model_creator": "kitchen"}}


def test_a_worse_challenger_is_rejected_and_the_champion_stays(lambda_stack: LambdaStack) -> None:
    first = register(finish_job(lambda_stack))
    state = finish_job(lambda_stack, "b" * 12, rmse=6.0, champion=champion_of(first))
    answer = register(state)
    assert (answer["version"], answer["approval"]) == (2, "Rejected")
    assert "the champion (version 1) has 5, a gain of -1" in answer["why"]
    champion = registry.champion(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model)
    assert champion is not None
    assert champion.version == 1
    assert reference_profile(lambda_stack) == {"rows": 900, "run": RUN_ID}
    assert detail_types(lambda_stack, 4).count("ModelRejected") == 1


def test_every_version_keeps_its_own_profiles(lambda_stack: LambdaStack) -> None:
    """An older version that serves again is compared with what it was trained on."""
    first = register(finish_job(lambda_stack))
    register(finish_job(lambda_stack, "b" * 12, rmse=3.0, champion=champion_of(first)))
    register(finish_job(lambda_stack, "c" * 12, rmse=8.0, champion={**champion_of(first), "version": 2}))
    assert reference_profile(lambda_stack) == {"rows": 900, "run": "b" * 12}
    for version, run in ((1, RUN_ID), (2, "b" * 12), (3, "c" * 12)):
        for noun, rows in (("reference", 900), ("predictions", 100)):
            key = s3_layout.version_profile_key(lambda_stack.model, version, noun)
            assert profile_at(lambda_stack, key) == {"rows": rows, "run": run}


def test_what_both_models_do_on_recent_rows_is_told(lambda_stack: LambdaStack) -> None:
    first = register(finish_job(lambda_stack))
    champion = {**champion_of(first), "metrics": {"rmse": 5.0}}
    recent = {"batches": 1, "held_out_rows": 40, "challenger": {"rmse": 2.0}, "champion": {"rmse": 6.5}}
    evaluation = evaluation_of("b" * 12, 4.0, champion_of(first)).model_dump()
    told = json.dumps({**evaluation, "champion": {**champion, "unscored": ""}, "recent": recent})
    answer = register(finish_job(lambda_stack, "b" * 12, champion=champion_of(first), **{"evaluation.json": told}))
    assert answer["approval"] == "Approved"
    assert answer["why"].endswith("; ahead of the champion on 40 recent labelled rows, 2 against 6.5.")
    version = registry.champion(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model)
    assert version is not None
    assert version.recent == {"rows": 40.0, "challenger_rmse": 2.0, "champion_rmse": 6.5}
    assert version.metrics == {"rmse": 4.0, "r2": 0.5}


def test_registering_again_changes_nothing(lambda_stack: LambdaStack) -> None:
    state = finish_job(lambda_stack)
    assert register(state) == register(state)
    versions = list(registry.versions(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model))
    assert [version.version for version in versions] == [1]
    identities = {event["detail"]["event_id"] for event in lambda_stack.events(lambda heard: len(heard) >= 4)}
    assert len(identities) == 2


@pytest.mark.parametrize("dies_in", ["_judge", "_put_profile"])
def test_a_crash_between_two_steps_is_made_good_by_the_retry(
    lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    state = finish_job(lambda_stack)
    with monkeypatch.context() as patch:
        patch.setattr(Registration, dies_in, _die)
        with pytest.raises(RuntimeError, match="killed"):
            register(state)
    assert register(state)["approval"] == "Approved"
    versions = list(registry.versions(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model))
    assert [(version.version, version.approval) for version in versions] == [(1, "Approved")]
    assert reference_profile(lambda_stack) == {"rows": 900, "run": RUN_ID}


def _die(*_: Any) -> None:
    raise RuntimeError("killed")


def test_a_champion_that_changed_meanwhile_means_another_run(lambda_stack: LambdaStack) -> None:
    state = finish_job(lambda_stack)
    lambda_stack.add_version()
    answer = register(state)
    assert (answer["approval"], answer["why"]) == ("Rejected", CHAMPION_CHANGED)
    heard = lambda_stack.events(lambda heard: len(heard) >= 3)
    (asked,) = [event["detail"] for event in heard if event["detail-type"] == "TrainingRequested"]
    assert asked["kind"] == "champion_changed"
    assert reference_profile(lambda_stack) is None


def test_a_bad_model_is_rejected_for_being_bad_whoever_is_champion(lambda_stack: LambdaStack) -> None:
    state = finish_job(lambda_stack, rmse=20.0)
    lambda_stack.add_version()
    assert "worse than the baseline's 9" in register(state)["why"]


def test_an_evaluation_of_another_run_is_refused(lambda_stack: LambdaStack) -> None:
    other = evaluation_of("f" * 12, 4.0, None).model_dump_json()
    with pytest.raises(AlgorithmError, match="holds the evaluation of run ffffffffffff"):
        register(finish_job(lambda_stack, **{"evaluation.json": other}))
    assert list(registry.versions(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model)) == []


def test_an_output_that_lacks_a_report_is_refused(lambda_stack: LambdaStack) -> None:
    state = finish_job(lambda_stack)
    key = s3_layout.run_output_key(lambda_stack.model, RUN_ID, state["training_job"]["TrainingJobName"], "output")
    lambda_stack.s3.put_object(Bucket=lambda_stack.names.bucket("models"), Key=key, Body=_pack({"a.json": "{}"}))
    with pytest.raises(AlgorithmError, match=r"lacks evaluation\.json, lineage\.json"):
        register(state)


def test_the_recipe_of_the_run_judges_and_not_the_one_deployed_since(lambda_stack: LambdaStack) -> None:
    state = finish_job(lambda_stack)
    lambda_stack.deploy(make_recipe(gate={"at_most": 1.0}))
    assert register(state)["approval"] == "Approved"


def test_a_model_without_a_group_has_no_versions(lambda_stack: LambdaStack) -> None:
    assert registry.champion(lambda_stack.sagemaker, lambda_stack.names, "burritos") is None


def test_sagemaker_accepts_the_package_request(lambda_stack: LambdaStack) -> None:
    job = FinishedJob.from_state(finish_job(lambda_stack))
    output = read_output(lambda_stack.s3, lambda_stack.names, job)
    request = package_request(lambda_stack.names, make_recipe(), job, output, image_uri="image:1")
    assert complaints("CreateModelPackage", request) == ""


def test_with_manual_approval_what_passes_the_gate_waits_for_a_person(lambda_stack: LambdaStack) -> None:
    lambda_stack.recipe = make_recipe(registry={"approval": "manual"})
    state = finish_job(lambda_stack)
    for _ in range(2):
        answer = register(state)
        assert answer["approval"] == "PendingManualApproval"
    assert answer["why"].startswith("rmse 4 on 100 held-out rows")
    assert registry.champion(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model) is None
    assert reference_profile(lambda_stack) is None
    assert set(detail_types(lambda_stack, 2)) == {"ModelRegistered"}


def test_with_manual_approval_what_fails_the_gate_is_rejected_all_the_same(lambda_stack: LambdaStack) -> None:
    lambda_stack.recipe = make_recipe(registry={"approval": "manual"}, gate={"at_most": 1.0})
    assert register(finish_job(lambda_stack))["approval"] == "Rejected"


def test_the_lineage_is_kept_with_the_object_version_of_each_input(lambda_stack: LambdaStack) -> None:
    register(finish_job(lambda_stack))
    key = s3_layout.run_lineage_key(lambda_stack.model, RUN_ID)
    kept = lambda_stack.s3.get_object(Bucket=lambda_stack.names.bucket("models"), Key=key)["Body"].read()
    (entry,) = Lineage.model_validate_json(kept).inputs
    head = lambda_stack.s3.head_object(Bucket=lambda_stack.names.bucket("lake"), Key=BATCH_KEY)
    assert entry.version_id == head["VersionId"]


def test_an_artifact_with_a_pickle_is_not_registered(lambda_stack: LambdaStack) -> None:
    state = finish_job(lambda_stack)
    bucket, key = s3_layout.split_uri(state["training_job_result"]["ModelArtifacts"]["S3ModelArtifacts"])
    lambda_stack.s3.put_object(Bucket=bucket, Key=key, Body=_pack({"model.joblib": "anything"}))
    with pytest.raises(AlgorithmError, match=r"'model\.joblib' is a pickle by its name"):
        register(state)
    assert list(registry.versions(lambda_stack.sagemaker, lambda_stack.names, lambda_stack.model)) == []
    key = s3_layout.run_record_key(lambda_stack.model, state["run_id"], "run.json")
    assert lambda_stack.s3.head_object(Bucket=bucket, Key=key), "what it tried is on record all the same"
