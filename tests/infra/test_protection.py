"""What guards data, and how it goes."""

import json

import pytest

from tests.infra.program import ALL, IMAGE_URI, Program, evaluate

BUCKETS = ("landing", "lake", "models", "capture")


@pytest.fixture(scope="module")
def program() -> Program:
    return evaluate("dev", imageUri=IMAGE_URI, models=("tacos",), components=ALL)


@pytest.fixture(scope="module")
def production() -> Program:
    return evaluate("prod", imageUri=IMAGE_URI, models=("tacos",))


@pytest.mark.parametrize("kind", BUCKETS)
def test_every_bucket_keeps_versions(program, kind):
    versioning = program.named("BucketVersioning", kind).inputs
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}


@pytest.mark.parametrize("kind", BUCKETS)
def test_every_bucket_is_encrypted(program, kind):
    (rule,) = program.named("BucketServerSideEncryptionConfiguration", kind).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


@pytest.mark.parametrize("kind", BUCKETS)
def test_every_bucket_refuses_requests_without_tls(program, kind):
    (statement,) = json.loads(program.named("BucketPolicy", kind).inputs["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("kind", BUCKETS)
def test_no_bucket_can_be_made_public(program, kind):
    inputs = program.named("BucketPublicAccessBlock", kind).inputs
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [inputs[switch] for switch in switches] == [True] * 4


@pytest.mark.parametrize("kind", BUCKETS)
def test_every_bucket_drops_old_versions_and_broken_uploads(program, kind):
    (rule,) = program.named("BucketLifecycleConfiguration", kind).inputs["rules"]
    assert rule["noncurrentVersionExpiration"]["noncurrentDays"] == 30
    assert rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"] == 3


def test_there_are_no_other_buckets(program):
    assert {bucket.name for bucket in program.of_type("Bucket")} == set(BUCKETS)


def test_data_and_what_guards_it_outlive_production(production):
    kept = {resource.type.rsplit(":")[-1] for resource in production.resources if resource.retained}
    assert kept == {
        "Bucket",
        "BucketVersioning",
        "BucketServerSideEncryptionConfiguration",
        "BucketPublicAccessBlock",
        "BucketPolicy",
        "BucketLifecycleConfiguration",
        "Table",
    }
    assert all(table.inputs["pointInTimeRecovery"] == {"enabled": True} for table in production.of_type("Table"))


def test_nothing_outlives_a_stack_that_may_be_emptied(program):
    assert not [resource.urn for resource in program.resources if resource.retained]


def test_clean_up_may_delete_objects_only_where_the_stack_allows_it(program, production):
    def deletes(stack: Program) -> bool:
        return "s3:DeleteObjectVersion" in stack.named("RolePolicy", "clean_up").inputs["policy"]

    assert deletes(program)
    assert not deletes(production)


def test_clean_up_runs_before_anything_that_it_cleans_is_gone(program):
    invocation = program.named("Invocation", "clean-up")
    needed = program.needed_by(invocation.urn)
    later = {
        resource.name
        for resource in program.resources
        if resource.type.startswith("aws:") and resource.urn not in needed | {invocation.urn}
    }
    assert later == {
        "validate_batch",
        "request_training",
        "deploy_model",
        "monitor_endpoint",
        "score_batch",
        "ingest_features",
    }  # the deliveries, see below


def test_deliveries_stop_before_clean_up_runs(program):
    invocation = program.named("Invocation", "clean-up")
    mappings = program.of_type("EventSourceMapping")
    assert {mapping.name for mapping in mappings} == {
        "validate_batch",
        "request_training",
        "deploy_model",
        "monitor_endpoint",
        "score_batch",
        "ingest_features",
    }
    assert all(invocation.urn in mapping.dependencies for mapping in mappings)


def test_clean_up_is_told_of_the_stack_and_called_when_it_goes(program):
    inputs = program.named("Invocation", "clean-up").inputs
    assert inputs["lifecycleScope"] == "CRUD"
    variables = next(
        function.inputs["environment"]["variables"]
        for function in program.of_type("Function")
        if function.name == "clean_up" and not function.is_component
    )
    assert variables["COMAL_EMPTY_ON_DESTROY"] == "true"
    assert json.loads(inputs["input"]) == {"stack": "dev", "models": ["tacos"]}
