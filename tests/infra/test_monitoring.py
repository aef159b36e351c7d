"""The component monitoring: alarms that are N of M, a topic that alarms may publish to, a dashboard and a budget."""

import json
import re

import pytest

from comal.names import Names
from comal.recipe import Recipe
from infra.alarms import model_alarms
from infra.instance_size import gpus, vcpus
from tests.infra.program import ACCOUNT, ALL, IMAGE_URI, REGION, REPOSITORY, Program, evaluate
from tests.unit.comal.registry_samples import make_recipe

NAMES = Names("dev", ACCOUNT, REGION)


@pytest.fixture(scope="module")
def program() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=ALL)


@pytest.fixture(scope="module")
def guarded() -> Program:
    return evaluate(
        "dev",
        imageUri=IMAGE_URI,
        models=("tacos",),
        components=ALL,
        alertEmail="ana@example.com",
        monthlyBudgetUsd=50,
        alarmPeriodSeconds=10,
    )


def alarms(program: Program) -> dict[str, dict]:
    return {alarm.inputs["name"]: alarm.inputs for alarm in program.of_type("MetricAlarm")}


def test_these_are_the_alarms_of_a_model(program):
    of_model = {name.removeprefix("dev-tacos-") for name in alarms(program) if name.startswith("dev-tacos-")}
    assert of_model == {
        *("drift", "prediction-drift", "skew", "quality", "expired", "no-data", "no-labels"),
        *("errors-5xx", "latency", "cpu", "memory", "training-failed", "training-timeout"),
    }


def test_each_function_behind_a_queue_has_three_alarms(program):
    for function in program.of_type("EventSourceMapping"):
        name = NAMES.shared(function.name)
        assert {f"{name}-errors", f"{name}-queue-age", f"{name}-dead-letters"} <= alarms(program).keys()


def test_every_alarm_waits_for_more_than_one_datapoint_or_looks_back_further(program):
    for name, alarm in alarms(program).items():
        assert alarm["evaluationPeriods"] > 1, name
        assert alarm["datapointsToAlarm"] <= alarm["evaluationPeriods"], name
        # CloudWatch looks back a day at most.
        assert alarm["evaluationPeriods"] * alarm["period"] <= 86_400, name


def test_one_definition_serves_the_scores_of_every_model(program):
    scores = [alarm for alarm in alarms(program).values() if alarm["namespace"] == "comal"]
    assert {alarm["threshold"] for alarm in scores} == {1.0}
    assert all(alarm["dimensions"] == {"stack": "dev", "model": "tacos"} for alarm in scores)


def test_missing_data_sets_off_nothing_and_silence_of_the_monitoring_itself_is_told(program):
    told = {name for name, alarm in alarms(program).items() if alarm.get("insufficientDataActions")}
    assert told == {"dev-tacos-no-data"}
    assert alarms(program)["dev-tacos-no-data"]["treatMissingData"] == "missing"
    others = {alarm["treatMissingData"] for name, alarm in alarms(program).items() if name not in told}
    assert others == {"notBreaching"}


def test_alarms_on_scores_follow_the_setting_and_those_of_aws_stay_at_a_minute(guarded):
    periods = {name: alarm["period"] for name, alarm in alarms(guarded).items()}
    assert periods["dev-tacos-drift"] == 10
    assert periods["dev-tacos-errors-5xx"] == 60
    functions = {one.inputs["name"]: one.inputs for one in guarded.of_type("Function") if not one.is_component}
    told = functions["comal-dev-monitor-endpoint"]["environment"]["variables"]
    assert told["COMAL_ALARM_PERIOD_SECONDS"] == "10"


def test_every_alarm_says_where_the_runbook_says_what_to_do(program):
    headings = re.findall(r"^## (.+)$", (REPOSITORY / "docs/runbook.md").read_text(), re.M)
    for alarm in alarms(program).values():
        assert alarm["alarmDescription"].rpartition("docs/runbook.md#")[2] in headings


def test_alarms_tell_the_topic_when_they_go_off_and_when_they_are_over(program):
    (topic,) = program.of_type("Topic")
    for alarm in alarms(program).values():
        assert alarm["alarmActions"] == alarm["okActions"] == [f"arn:aws:sns:{REGION}:{ACCOUNT}:Topic/comal-dev-alerts"]
    assert topic.inputs["name"] == "comal-dev-alerts"


def test_the_topic_is_encrypted_by_a_key_that_alarms_may_use(program):
    (topic,) = program.of_type("Topic")
    (key,) = program.of_type("Key")
    assert topic.inputs["kmsMasterKeyId"]
    for policy in (topic.inputs["policy"], key.inputs["policy"]):
        services = [
            statement["Principal"].get("Service")
            for statement in json.loads(policy)["Statement"]
            if "Condition" in statement
        ]
        assert services == ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]


def test_without_settings_nobody_is_mailed_and_nothing_is_budgeted(program):
    assert not program.of_type("TopicSubscription")
    assert not program.of_type("Budget")


def test_mail_and_budget_come_with_their_settings(guarded):
    (subscription,) = guarded.of_type("TopicSubscription")
    assert (subscription.inputs["protocol"], subscription.inputs["endpoint"]) == ("email", "ana@example.com")
    (budget,) = guarded.of_type("Budget")
    assert (budget.inputs["limitAmount"], budget.inputs["timeUnit"]) == ("50", "MONTHLY")
    assert budget.inputs["costFilters"] == [{"name": "TagKeyValue", "values": ["user:comal:stack$dev"]}]
    kinds = {(one["notificationType"], one["threshold"]) for one in budget.inputs["notifications"]}
    assert kinds == {("ACTUAL", 80), ("FORECASTED", 100)}


def test_the_dashboard_shows_the_models_alarms_and_metrics(program):
    (dashboard,) = program.of_type("Dashboard")
    assert dashboard.inputs["dashboardName"] == "dev-tacos"
    widgets = json.loads(dashboard.inputs["dashboardBody"])["widgets"]
    assert {arn.rpartition(":")[2] for arn in widgets[0]["properties"]["alarms"]} == {
        name for name in alarms(program) if name.startswith("dev-tacos-")
    }
    titles = [widget["properties"]["title"] for widget in widgets]
    assert {"Traffic", "Latency (µs)", "Errors", "Drift", "Quality", "Retraining"} <= set(titles)


def test_captured_calls_expire_after_a_month(program):
    (rule,) = program.named("BucketLifecycleConfiguration", "capture").inputs["rules"]
    assert rule["expiration"] == {"days": 30}
    assert "expiration" not in program.named("BucketLifecycleConfiguration", "lake").inputs["rules"][0]


def test_a_model_on_gpus_has_alarms_on_them():
    recipe = make_recipe(serving={"mode": "realtime", "instance": "ml.g5.12xlarge"})
    found = {alarm.section: alarm for alarm in model_alarms(NAMES, recipe, 60)}
    assert found["gpu"].threshold == 4 * 95
    assert found["gpu-memory"].metric == "GPUMemoryUtilization"


@pytest.mark.parametrize(
    ("instance", "expected"),
    [("ml.c6i.large", 2), ("ml.m5.xlarge", 4), ("ml.c5.9xlarge", 36), ("ml.t2.medium", 2), ("ml.c7g.medium", 1)],
)
def test_processors_are_known_by_the_instances_name(instance, expected):
    assert vcpus(instance) == expected
    assert gpus("ml.g4dn.xlarge") == 1


def test_names_of_alarms_fit():
    longest = Names("a" * 16, ACCOUNT, REGION)
    recipe: Recipe = make_recipe(model="m" * 31)
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert max(len(alarm.name) for alarm in model_alarms(longest, recipe, 60)) <= 255
