"""Resetting one model on a real local cloud, with a second model whose name begins alike."""

import json
from datetime import UTC, datetime

import pytest

from comal.cli.demo.reset import reset_model
from comal.cli.items import rows_of
from comal.cli.versions import versions_of
from comal.registry import customer_metadata
from tests.running_cloud import IMAGE_URI

OTHER = "tacos-gpu"
NOTHING = {"runs": 0, "versions": 0, "endpoints": 0, "objects": 0, "rows": 0}


@pytest.fixture
def stocked(account):
    """Rows, objects, a state machine and a version of each model."""
    target, names = account.target, account.target.names
    s3, role = target.client("s3"), make_role(target)
    s3.create_bucket(Bucket=names.bucket("models"))
    for model in ("tacos", OTHER):
        validated = f"validated/{model}/v1/dt=2026-01-01/b1.parquet"
        account.put_batch(model, "b1", status="validated", validated_key=validated)
        for bucket, key in (
            ("landing", f"incoming/{model}/week.csv"),
            ("lake", validated),
            ("models", f"{model}/runs/r1/evaluation.json"),
        ):
            s3.put_object(Bucket=names.bucket(bucket), Key=key, Body=b"x")
        definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        target.client("stepfunctions").create_state_machine(
            name=names.of_model(model), definition=json.dumps(definition), roleArn=role
        )
        register(target, model)
    return account


def make_role(target) -> str:
    trust = {"Version": "2012-10-17", "Statement": []}
    name = f"{target.stack}-role"
    return target.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def register(target, model: str) -> None:
    sagemaker, group = target.client("sagemaker"), target.names.of_model(model)
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    url = f"s3://{target.names.bucket('models')}/{model}/model.tar.gz"
    sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE_URI, "ModelDataUrl": url}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        CustomerMetadataProperties=customer_metadata(
            run_id="r1",
            expires_at=datetime(2026, 4, 1, tzinfo=UTC),
            when_expired="keep",
            trained_rows=80,
            metrics={"rmse": 1.5},
        ),
    )


def keys(target, kind: str) -> list[str]:
    listed = target.client("s3").list_objects_v2(Bucket=target.names.bucket(kind))
    return [item["Key"] for item in listed.get("Contents", [])]


def test_everything_of_the_model_goes(stocked):
    removed = reset_model(stocked.target, "tacos")
    assert removed == {"runs": 0, "versions": 1, "endpoints": 0, "objects": 3, "rows": 1}
    assert versions_of(stocked.target, "tacos") == []
    assert rows_of(stocked.target, "batches", "tacos") == []


def test_another_model_stays_as_it_was(stocked):
    reset_model(stocked.target, "tacos")
    target = stocked.target
    assert [version["version"] for version in versions_of(target, OTHER)] == [1]
    assert [row["sk"] for row in rows_of(target, "batches", OTHER)] == ["batch#b1"]
    assert keys(target, "landing") == [f"incoming/{OTHER}/week.csv"]
    assert keys(target, "models") == [f"{OTHER}/runs/r1/evaluation.json"]


def test_what_the_stack_owns_stays(stocked):
    reset_model(stocked.target, "tacos")
    assert "recipes/tacos.json" in keys(stocked.target, "lake")


def test_resetting_twice_removes_nothing_more(stocked):
    reset_model(stocked.target, "tacos")
    assert reset_model(stocked.target, "tacos") == NOTHING


def test_versions_are_listed_with_metrics_and_champion(stocked, comal):
    (version,) = json.loads(comal("models", "tacos", "-s", stocked.stack, "--json").stdout)
    assert (version["version"], version["champion"], version["trained_rows"]) == (1, True, 80)
    assert version["metrics"] == {"rmse": 1.5}
    assert "rmse 1.5" in comal("models", "tacos", "-s", stocked.stack).stdout


def test_status_shows_batches_champion_and_what_comes_next(stocked, comal):
    (row,) = json.loads(comal("status", "tacos", "-s", stocked.stack, "--json").stdout)
    assert row["batches"] == {"validated": 1}
    assert row["champion"]["version"] == 1
    assert row["run"] is None
    assert "moving to version 1" in row["next_step"]
    text = comal("status", "tacos", "-s", stocked.stack).stdout
    assert "1 validated" in text
    assert "version 1 Approved" in text


def test_invoking_before_there_is_an_endpoint_says_so(stocked, comal, monkeypatch):
    monkeypatch.setattr("comal.cli.first_version._ENDPOINT_GRACE_S", 1.0)
    result = comal("invoke", "tacos", "--data", "{}", "-s", stocked.stack)
    assert result.exit_code == 1
    assert "has no endpoint" in result.stderr


def test_a_request_for_training_reaches_the_bus(stocked, comal):
    result = comal("retrain", "tacos", "--reason", "new oven", "--no-follow", "--json", "-s", stocked.stack)
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)) == {"event_id"}
