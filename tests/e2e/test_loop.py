"""The whole loop on a real local cloud: one story, told by tests that run in order and build on each other."""

import json
from typing import Any

import pytest
import yaml

from comal import s3_layout
from comal.cli.demo.chain import MODEL, TacoChain
from comal.cli.demo.traffic import Traffic
from comal.cli.following import wait_for_endpoint
from comal.cli.repository import Repository
from comal.cli.target import Target
from comal.clients import Connection
from tests.e2e.clone import Clone
from tests.e2e.grants import unused_grants
from tests.e2e.inventory import inventory
from tests.running_cloud import REGION, REPOSITORY

NOT_SEEN_HERE = {
    ("deploy-model", "s3:ListBucket"): "without it S3 answers 403 where an object is absent",
    ("endpoint", "s3:ListBucket"): "the same",
    ("request-training", "s3:ListBucket"): "the same",
    ("validate-batch", "s3:ListBucket"): "the same",
    ("deploy-model", "application-autoscaling:DeregisterScalableTarget"): "of an endpoint that scales no more",
    ("deploy-model", "sagemaker:DeleteEndpoint"): "of an endpoint that cannot be updated",
    ("deploy-model", "sagemaker:UpdateModelPackage"): "when an endpoint rolls back",
    ("request-training", "states:DescribeExecution"): "when the event of a run's end was lost",
    ("training-job", "s3:AbortMultipartUpload"): "of an artifact above 5 GB",
    ("training-run", "sagemaker:AddTags"): "AWS asks for it where a job is created with tags",
    ("training-run", "sagemaker:StopTrainingJob"): "when an execution is stopped",
    ("training-run", "sagemaker:StopHyperParameterTuningJob"): "the same",
}


@pytest.fixture(scope="module")
def chain(clone: Clone) -> TacoChain:
    return TacoChain(Repository(clone.root))


def target(clone: Clone) -> Target:
    connection = Connection(REGION, f"http://127.0.0.1:{clone.port}", access_key="test", secret_key="test")
    return Target(Repository(clone.root), "local", connection)


def standing(clone: Clone) -> dict[str, Any]:
    (row,) = clone.json("status", MODEL)
    return row


def test_up_makes_the_stack(clone):
    # Without monitoring: a file of orders in their own order is no sample of a week, and would raise a drift alarm.
    clone.stack_value("comal:components", "[data, training, registry, serving, continuous_training]")
    assert clone.json("up", "--yes")["failures"] == []


def test_up_again_changes_nothing(clone):
    counts = clone.json("up")["counts"]
    assert {operation for operation, count in counts.items() if count} == {"same"}


def test_before_the_first_push_status_asks_for_one(clone):
    assert standing(clone)["next_step"].startswith(f"comal push {MODEL}")


def test_a_week_of_orders_is_validated(clone, chain):
    (batch,) = clone.json("push", MODEL, str(chain.week(1)))
    assert (batch["status"], batch["problems"]) == ("validated", [])
    assert batch["rows"] > 0


def test_a_model_is_trained_registered_approved_and_served_by_itself(clone):
    wait_until_served(clone, version=1)
    row = standing(clone)
    assert row["run"]["status"] == "SUCCEEDED"
    assert row["champion"]["approval"] == "Approved"
    assert "comal invoke" in row["next_step"]


def test_the_versions_show_metrics_and_expiry(clone):
    (version,) = clone.json("models", MODEL)
    assert version["champion"]
    assert float(version["metrics"]["rmse"]) > 0
    assert version["expires_at"] > version["created_at"]


def test_the_endpoint_answers_json(clone, chain):
    answer = clone.json("invoke", MODEL, "--data", json.dumps(chain.orders(chain.week(1))[:3]))
    assert [set(row) for row in answer["predictions"]] == [{"prediction"}] * 3


def test_the_endpoint_answers_a_file_that_holds_more_columns(clone, chain):
    answer = clone.json("invoke", MODEL, "--file", str(chain.week(1)))
    assert len(answer["predictions"]) == chain.week(1).read_text().count("\n") - 1


def test_a_row_that_cannot_be_scored_is_refused_with_row_and_column(clone, chain):
    order = {**chain.orders(chain.week(1))[0], "basket_size": "many"}
    done = clone.comal("invoke", MODEL, "--data", json.dumps([chain.orders(chain.week(1))[0], order]), exit_code=2)
    assert "of row 1:" in done.stderr
    assert "basket_size" in done.stderr


def test_plain_boto3_works_the_same(clone, chain):
    response = clone.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=f"local-{MODEL}", ContentType="application/json", Body=json.dumps(chain.orders(chain.week(1))[0])
    )
    assert json.loads(response["Body"].read())["model_version"] == "1"


def test_a_poisoned_file_is_quarantined_and_the_champion_stays(clone, chain):
    (batch,) = clone.json("push", MODEL, str(chain.poisoned()), exit_code=1)
    assert batch["status"] == "quarantined"
    assert batch["problems"]
    assert "<html" in (clone.root / batch["report_path"]).read_text().lower()
    assert standing(clone)["champion"]["version"] == 1


def test_the_same_content_again_changes_nothing(clone, chain):
    (batch,) = clone.json("push", MODEL, str(chain.week(1)))
    assert batch["status"] == "duplicate"


def test_a_second_week_retrains_and_moves_the_endpoint_without_a_failed_request(clone, chain):
    with Traffic(target(clone), MODEL, chain.orders(chain.week(2))) as traffic:
        clone.comal("push", MODEL, str(chain.week(2)))
        wait_until_served(clone, version=2)
    assert traffic.failures == []
    assert traffic.answers["1"] > 0


def test_retrain_on_request_has_an_outcome_with_its_reason(clone):
    outcome = clone.json("retrain", MODEL, "--reason", "somebody asked")
    assert outcome["status"] == "SUCCEEDED"
    assert outcome["version"] == 3
    assert outcome["why"]


def test_a_search_shows_what_it_tried_and_its_winner_is_judged_like_any_other(clone):
    outcome = clone.json("search", MODEL, "--trials", "3", "--minutes", "2")
    assert (outcome["status"], outcome["version"]) == ("SUCCEEDED", 4)
    trials = outcome["leaderboard"]["trials"]
    assert {trial["number"] for trial in trials} == {0, 1, 2}
    assert trials[0]["rank"] == 1
    side_by_side = clone.json("search", MODEL, "--trials", "1", "--minutes", "2", "--jobs", "2")
    assert (side_by_side["status"], side_by_side["version"]) == ("SUCCEEDED", 5)
    jobs = clone.client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    assert [job["TrainingJobStatusCounters"]["Completed"] for job in jobs] == [2]
    log = clone.comal("logs", "job", MODEL).stdout
    assert log.count("metric search:score=") == 2
    assert clone.json("reproduce", MODEL, "5")["identical"]
    refused = clone.comal("search", MODEL, "--minutes", "30", exit_code=2)
    assert "leave no time to fit" in refused.stderr


def test_a_fit_of_the_teams_own_is_deployed_pinned_and_judged_like_any_other(clone):
    guide = (clone.root / "docs/guide.md").read_text().split("### A fit of your own")[1]
    (clone.root / "my_models").mkdir()
    (clone.root / "my_models/tacos.py").write_text(guide.split("```python\n")[1].split("```")[0])
    recipe = clone.root / "recipes/tacos.yaml"
    values = yaml.safe_load(recipe.read_text())
    values["training"] |= {"fit": "my_models/tacos.py:fit", "params": {"num_leaves": 20}}
    recipe.write_text(yaml.safe_dump(values, sort_keys=False))
    assert clone.json("up", "--yes")["failures"] == []
    outcome = clone.json("retrain", MODEL, "--reason", "a fit of our own")
    assert (outcome["status"], outcome["version"]) == ("SUCCEEDED", 6)
    prefix = s3_layout.run_recipe_prefix(MODEL, outcome["run_id"])
    bucket = target(clone).names.bucket("models")
    pinned = clone.client("s3").get_object(Bucket=bucket, Key=f"{prefix}fit.py")["Body"].read()
    assert pinned == (clone.root / "my_models/tacos.py").read_bytes()
    assert outcome["metrics"]["rmse"] < 4


def test_two_instances_train_what_one_did(clone):
    recipe = yaml.safe_load((REPOSITORY / "recipes/tacos.yaml").read_text())
    recipe["training"]["instances"] = 2
    (clone.root / "recipes/tacos.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
    clone.comal("up")
    outcome = clone.json("retrain", MODEL, "--reason", "two instances")
    alone = next(row for row in clone.json("models", MODEL) if row["version"] == 3)
    # Each draws its `subsample` from its own share of the rows; tests/unit/training/test_team.py has it to the digit.
    assert outcome["metrics"] == pytest.approx(alone["metrics"], rel=0.03)
    assert "of 2 hosts." in clone.comal("logs", "job", MODEL).stdout


def test_logs_of_job_function_and_endpoint_are_there(clone):
    for source in ("job", "function", "endpoint"):
        assert clone.comal("logs", source, MODEL).stdout.strip(), source


def test_up_leaves_the_live_model_untouched(clone):
    before = standing(clone)["endpoint"]
    counts = clone.json("up")["counts"]
    assert {operation for operation, count in counts.items() if count} == {"same"}
    assert standing(clone)["endpoint"] == before


def test_every_action_that_a_role_is_granted_is_one_that_it_uses(clone):
    """A policy that allows more than its role ever does is not the least privilege."""
    unused = {(role, action) for role, action in unused_grants(clone) if role != "clean-up"}  # it acts at the end
    assert unused <= set(NOT_SEEN_HERE), unused - set(NOT_SEEN_HERE)


def test_destroy_without_yes_is_refused_when_nobody_can_be_asked(clone):
    assert "--yes" in clone.comal("destroy", exit_code=2).stderr


def test_destroy_leaves_nothing(clone):
    clone.comal("destroy", "--yes")
    assert inventory(clone.client) == {}


def wait_until_served(clone: Clone, version: int) -> None:
    wait_for_endpoint(target(clone), MODEL, version)
