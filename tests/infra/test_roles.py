"""Roles: one a function, each with what it needs and nothing else."""

import json

import pytest

from tests.infra.program import ALL, IMAGE_URI, Program, evaluate

# Actions for which AWS knows no resource: the Service Authorization Reference.
WITHOUT_RESOURCES = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListEndpoints",
    "sagemaker:ListModelPackages",
    "sagemaker:ListModels",
    "sagemaker:ListTrainingJobs",
    "sagemaker:ListTransformJobs",
}


@pytest.fixture(scope="module")
def program() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=ALL)


def statements(program: Program, role: str) -> list[dict]:
    return json.loads(program.named("RolePolicy", role).inputs["policy"])["Statement"]


def test_every_role_has_one_policy(program):
    roles = {role.name for role in program.of_type("Role") if not role.is_component}
    assert roles == {policy.name for policy in program.of_type("RolePolicy")}
    assert roles == {
        "validate_batch",
        "request_training",
        "register_model",
        "deploy_model",
        "monitor_endpoint",
        "clean_up",
        "training_job",
        "training_run",
        "endpoint",
        "retrain_schedule",
        "score_batch",
        "batch_transform",
        "batch_schedule",
        "feature_store",
        "ingest_features",
        "experiments",
    }


def test_every_function_has_a_role_of_its_own(program):
    functions = [one for one in program.of_type("Function") if not one.is_component]
    assert len({one.inputs["role"] for one in functions}) == len(functions)


def test_no_policy_names_a_star_where_aws_knows_a_resource(program):
    for policy in program.of_type("RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= WITHOUT_RESOURCES, policy.name


def test_no_policy_allows_a_family_of_actions(program):
    for policy in program.of_type("RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert not [action for action in statement["Action"] if "*" in action], policy.name


def test_every_resource_in_a_policy_belongs_to_the_stack(program):
    """Or is one of the account's own that has no owner."""
    shared = (
        "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule",
        "rule/StepFunctionsGetEventsForSageMakerHyperParameterTuningJobsRule",
        "event-bus/default",
        "log-group:/aws/sagemaker/",
        "scalable-target/*",
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
    )
    for policy in program.of_type("RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            for resource in statement["Resource"]:
                known = resource == "*" or "dev-" in resource or any(name in resource for name in shared)
                assert known, f"{policy.name}: {resource}"


@pytest.mark.parametrize(("role", "passed"), [("training_run", "training_job"), ("deploy_model", "endpoint")])
def test_a_role_is_passed_to_sagemaker_only(program, role, passed):
    (statement,) = [one for one in statements(program, role) if "iam:PassRole" in one["Action"]]
    assert statement["Resource"] == [f"arn:aws:iam::123456789012:role/comal-dev-{passed.replace('_', '-')}"]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_events_are_put_in_the_kits_name_only(program):
    found = [
        statement["Condition"]
        for policy in program.of_type("RolePolicy")
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if "events:PutEvents" in statement["Action"]
    ]
    assert found == [{"StringEquals": {"events:source": "comal"}}] * 7


def test_policies_stay_below_the_size_of_inline_policies(program):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html ."""
    assert all(len(policy.inputs["policy"]) < 10_240 for policy in program.of_type("RolePolicy"))
