"""A person and the registry: promote, roll back, reject; and a version that has expired."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from comal import s3_layout
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.demo.traffic import Traffic
from comal.cli.following import wait_for_endpoint
from comal.cli.repository import Repository
from tests.e2e.clock import advance
from tests.e2e.clone import Clone

COMPONENTS = "[data, training, registry, serving, monitoring]"
GROUP = f"local-{MODEL}"


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    return TacoChain(Repository(clone.root))


def approvals(clone: Clone) -> dict[int, str]:
    return {row["version"]: row["approval"] for row in clone.json("models", MODEL)}


def predict(clone: Clone, chain: TacoChain) -> dict[str, Any]:
    order = chain.orders(chain.week(1))[0]
    answer = clone.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=GROUP, ContentType="application/json", Body=json.dumps(order)
    )
    return dict(json.loads(answer["Body"].read()))


def test_with_manual_approval_the_first_version_waits(clone, chain):
    path = clone.root / f"recipes/{MODEL}.yaml"
    recipe = yaml.safe_load(path.read_text())
    recipe["registry"] = {"approval": "manual", "when_expired": "refuse", "owner": "ana", "purpose": "tell the guests"}
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    clone.stack_value("comal:components", COMPONENTS)
    clone.stack_value("comal:models", f"[{MODEL}]")
    clone.comal("up")
    clone.comal("push", MODEL, str(chain.week(1)))
    done = clone.json("retrain", MODEL, "--reason", "the first")
    assert (done["version"], done["approval"], done["endpoint"]) == (1, "PendingManualApproval", None)
    assert "comal promote tacos 1" in clone.comal("status", MODEL).stdout


def test_a_promoted_version_is_served_and_promoting_it_again_changes_nothing(clone, chain):
    for _ in range(2):
        done = clone.json("promote", MODEL, "1", "--why", "looks right")
        assert (done["approval"], done["endpoint"]["version"], done["rejected"]) == ("Approved", 1, [])
    (row,) = clone.json("models", MODEL)
    assert ": looks right | before: " in row["why"], "what it waited for is kept"
    assert (
        "no approved version but version 1 that would answer"
        in clone.comal("rollback", MODEL, "--why", "?", exit_code=2).stderr
    )
    assert predict(clone, chain)["model_version"] == "1"


def test_there_and_back_again_without_a_failed_request(clone, chain):
    clone.json("retrain", MODEL, "--reason", "the second")
    traffic = Traffic(clone.target, MODEL, chain.orders(chain.week(1)))
    with traffic:
        clone.comal("promote", MODEL, "2", "--why", "newer")
        back = clone.json("rollback", MODEL, "--why", "complaints")
        assert (back["version"], back["rejected"], back["endpoint"]["version"]) == (1, [2], 1)
        forth = clone.json("promote", MODEL, "2", "--why", "they were wrong")
        assert (forth["rejected"], forth["endpoint"]["version"]) == ([], 2)
        older = clone.json("promote", MODEL, "1", "--why", "were they?")
        assert (older["rejected"], older["endpoint"]["version"]) == ([2], 1)
        undone = clone.json("rollback", MODEL, "--why", "they were")
        assert (undone["version"], undone["rejected"], undone["endpoint"]["version"]) == (2, [1], 2)
        again = clone.json("promote", MODEL, "1", "--why", "no, they were not")
        assert (again["rejected"], again["endpoint"]["version"]) == ([2], 1)
    assert traffic.failures == []
    assert set(traffic.answers) == {"1", "2"}
    assert approvals(clone) == {2: "Rejected", 1: "Approved"}
    first = next(row["why"] for row in clone.json("models", MODEL) if row["version"] == 1)
    reasons = [reason.partition(": ")[2] for reason in first.split(" | before: ")]
    assert reasons[:5] == ["no, they were not", "they were", "were they?", "complaints", "looks right"]


def test_two_versions_stand_side_by_side_in_a_table_and_on_a_page(clone):
    found = clone.json("compare", MODEL, "1", "2")
    assert [row["version"] for row in found["versions"]] == [1, 2]
    assert found["differences"] == []
    text = Path(found["page"]).read_text()
    assert "versions 1 and 2" in text
    assert text.count("<svg") == 10
    assert "://" not in text
    assert "rmse" in text
    assert "rmse" in clone.comal("compare", MODEL, "1", "2").stdout


def test_every_run_is_on_record_with_a_page_that_opens_anywhere(clone):
    newest, oldest = clone.json("experiments", MODEL)
    assert (newest["version"], oldest["version"]) == (2, 1)
    assert newest["data"] == oldest["data"]
    assert newest["metrics"]["rmse"] == newest["curve"]["held_out"][-1]
    one = clone.json("experiments", MODEL, "2")
    assert one["report"].endswith(f"/{one['run_id']}/report.html")
    text = Path(one["page"]).read_text()
    assert text.count("<svg") == 5
    assert "://" not in text
    assert "rmse" in clone.comal("experiments", MODEL).stdout


def test_a_damaged_record_is_named_and_hides_no_other(clone):
    run_id = next(row["run_id"] for row in clone.json("models", MODEL) if row["version"] == 1)
    s3, bucket = clone.client("s3"), clone.target.names.bucket("models")
    record = s3_layout.run_record_key(MODEL, run_id, "run.json")
    recipe = s3_layout.run_recipe_prefix(MODEL, run_id) + "recipe.json"
    with replaced(s3, bucket, record, b"{"):
        listed = clone.comal("experiments", MODEL, "--json")
        assert [row["version"] for row in json.loads(listed.stdout)] == [2]
        assert f"Version 1 is not listed: s3://{bucket}/{record} is no record of a run any more" in listed.stderr
        for command in (("experiments", MODEL, "1"), ("compare", MODEL, "1", "2")):
            told = clone.comal(*command, exit_code=1).stderr
            assert f"s3://{bucket}/{record} is no record of a run any more: Invalid JSON" in told.replace("\n", " ")
            assert "Restore an older version" in told
    with replaced(s3, bucket, recipe, b"{"):
        assert "is no recipe any more" in clone.comal("compare", MODEL, "1", "2", exit_code=1).stderr
    with replaced(s3, bucket, recipe, None):
        assert "was deleted" in clone.comal("compare", MODEL, "1", "2", exit_code=2).stderr


@contextmanager
def replaced(s3: Any, bucket: str, key: str, content: bytes | None) -> Iterator[None]:
    """An object that holds something else for a while, or nothing."""
    original = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    if content is None:
        s3.delete_object(Bucket=bucket, Key=key)
    else:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    yield
    s3.put_object(Bucket=bucket, Key=key, Body=original)


def test_what_cannot_be_is_refused_with_what_there_is(clone):
    assert "has no version 9; it has 2, 1" in clone.comal("promote", MODEL, "9", "--why", "?", exit_code=2).stderr
    assert "--why is empty" in clone.comal("promote", MODEL, "1", "--why", " ", exit_code=2).stderr
    assert "the only approved version" in clone.comal("reject", MODEL, "1", "--why", "?", exit_code=2).stderr
    assert clone.json("reject", MODEL, "2", "--why", "it is already")["approval"] == "Rejected"


def test_an_expired_version_alarms_and_is_refused(clone, chain):
    sagemaker = clone.client("sagemaker")
    arn = next(row["model_package_arn"] for row in clone.json("models", MODEL) if row["version"] == 1)
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    notes = package["CustomerMetadataProperties"]
    notes["expires_at"] = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    (container,) = package["InferenceSpecification"]["Containers"]
    sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification={
            "Containers": [{name: container[name] for name in ("Image", "ModelDataUrl")}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties=notes,
    )
    wait_for_endpoint(clone.target, MODEL, 3)
    advance(clone, 300)
    time.sleep(2)  # containers know no clock but the machine's
    with pytest.raises(ClientError, match="version 3 expired on") as refusal:
        predict(clone, chain)
    assert refusal.value.response["OriginalStatusCode"] == 410
    (alarm,) = clone.client("cloudwatch").describe_alarms(AlarmNames=[f"local-{MODEL}-expired"])["MetricAlarms"]
    assert alarm["StateValue"] == "ALARM"
    assert "registry.when_expired: refuse" in clone.comal("promote", MODEL, "3", "--why", "?", exit_code=2).stderr
    clone.json("retrain", MODEL, "--reason", "3 has expired")
    clone.json("promote", MODEL, "4", "--why", "3 has expired")
    assert clone.json("reject", MODEL, "4", "--why", "?")["endpoint"]["version"] == 1, "not the expired one"
    assert predict(clone, chain)["model_version"] == "1"
    assert approvals(clone) == {4: "Rejected", 3: "Rejected", 2: "Rejected", 1: "Approved"}
