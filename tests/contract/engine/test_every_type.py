"""Every resource type that the engine knows: made, left alone, found again, changed in place, deleted."""

import json
import sys

import pytest

from localcloud.engine import invocation
from localcloud.engine.types import TYPES
from tests.contract.engine.stack_folder import StackFolder
from tests.running_cloud import REPOSITORY, RunningCloud

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # importing pulumi_aws warns of its own old names

ECHO = 'import json\nLOG = "/tmp"\ndef handle(event, context):\n    return event\n'
PROGRAM = """
import json
p, timeout, tags = "{prefix}", {timeout}, {tags}
region = aws.get_region().region
account = aws.get_caller_identity().account_id
partition = aws.get_partition().partition

def allow(service):
    return aws.iam.get_policy_document(statements=[{{
        "actions": ["sts:AssumeRole"], "principals": [{{"type": "Service", "identifiers": [service]}}],
    }}]).json

bucket = aws.s3.Bucket("bucket", bucket=p + "-data", force_destroy=True, tags=tags)
aws.s3.BucketVersioning("v", bucket=bucket.bucket, versioning_configuration={{"status": "Enabled"}})
aws.s3.BucketPublicAccessBlock("b", bucket=bucket.bucket, block_public_acls=True, ignore_public_acls=True)
aws.s3.BucketServerSideEncryptionConfiguration("e", bucket=bucket.bucket, rules=[
    {{"apply_server_side_encryption_by_default": {{"sse_algorithm": "AES256"}}}}])
aws.s3.BucketLifecycleConfiguration("l", bucket=bucket.bucket, rules=[
    {{"id": "old", "status": "Enabled", "filter": {{"prefix": ""}}, "expiration": {{"days": 9}}}}])
aws.s3.BucketPolicy("p", bucket=bucket.bucket, policy=bucket.arn.apply(lambda arn: json.dumps({{
    "Version": "2012-10-17", "Statement": [{{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucketPolicy",
    "Resource": arn, "Condition": {{"StringEquals": {{"aws:username": "nobody"}}}}}}]}})))
aws.s3.BucketNotification("n", bucket=bucket.bucket, eventbridge=True)
aws.s3.BucketObjectv2("o", bucket=bucket.bucket, key="a/b.txt", content="hello", tags=tags)
aws.s3.BucketObjectv2("asset", bucket=bucket.bucket, key="c.txt", source=pulumi.StringAsset("there"))

role = aws.iam.Role("role", name=p, assume_role_policy=allow("lambda.amazonaws.com"), tags=tags)
inline = aws.iam.RolePolicy("inline", role=role.name, policy=json.dumps({{"Version": "2012-10-17", "Statement": [
    {{"Effect": "Allow", "Action": ["sqs:*", "logs:*"], "Resource": "*"}}]}}))
aws.iam.RolePolicyAttachment("attached", role=role.name, policy_arn=f"arn:{{partition}}:iam::aws:policy/ReadOnlyAccess")

layer = aws.lambda_.LayerVersion("layer", layer_name=p, compatible_runtimes=["python3.11"],
    code=pulumi.AssetArchive({{"python": pulumi.FileArchive("layer")}}))
function = aws.lambda_.Function("f", name=p, role=role.arn, runtime="python3.11", handler="main.handle",
    timeout=timeout, layers=[layer.arn], environment={{"variables": {{"TOKEN": pulumi.Output.secret("hush-hush")}}}},
    code=pulumi.AssetArchive({{"main.py": pulumi.FileAsset("main.py")}}), tags=tags)
aws.lambda_.Permission("may", function=function.name, action="lambda:InvokeFunction", principal="events.amazonaws.com")
invoked = aws.lambda_.Invocation("i", function_name=function.name, lifecycle_scope="CRUD",
    input=json.dumps({{"timeout": timeout}}), opts=pulumi.ResourceOptions(depends_on=[inline]))
pulumi.export("invoked", invoked.result)

dead = aws.sqs.Queue("dead", name=p + "-dead")
queue = aws.sqs.Queue("queue", name=p, tags=tags, redrive_policy=dead.arn.apply(
    lambda arn: json.dumps({{"deadLetterTargetArn": arn, "maxReceiveCount": 5}})))
aws.sqs.QueuePolicy("qp", queue_url=queue.url, policy=queue.arn.apply(lambda arn: json.dumps({{
    "Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"Service": "events.amazonaws.com"}},
    "Action": "sqs:SendMessage", "Resource": arn}}]}})))
aws.lambda_.EventSourceMapping("m", function_name=function.name, event_source_arn=queue.arn,
    function_response_types=["ReportBatchItemFailures"], opts=pulumi.ResourceOptions(depends_on=[inline]))
topic = aws.sns.Topic("topic", name=p, tags=tags)
aws.sns.TopicSubscription("s", topic=topic.arn, protocol="sqs", endpoint=queue.arn)

rule = aws.cloudwatch.EventRule("r", name=p, event_pattern=json.dumps({{"source": [p]}}), tags=tags)
aws.cloudwatch.EventTarget("t", rule=rule.name, arn=queue.arn)
first = aws.cloudwatch.MetricAlarm("a", name=p, comparison_operator="GreaterThanThreshold", evaluation_periods=1,
    tags=tags, metric_name="errors", namespace=p, period=60, statistic="Sum", threshold=1, alarm_actions=[topic.arn])
slow = aws.cloudwatch.MetricAlarm("slow", name=p + "-slow", comparison_operator="GreaterThanThreshold",
    evaluation_periods=1, metric_name="latency", namespace=p, period=60, extended_statistic="p99", threshold=1,
    evaluate_low_sample_count_percentiles="ignore")
aws.cloudwatch.CompositeAlarm("both", alarm_name=p + "-both", alarm_rule=pulumi.Output.format(
    "ALARM({{0}}) AND ALARM({{1}})", first.name, slow.name), alarm_actions=[topic.arn], tags=tags)
aws.cloudwatch.Dashboard("dash", dashboard_name=p, dashboard_body=json.dumps({{"widgets": []}}))
group = aws.cloudwatch.LogGroup("g", name=p, retention_in_days=7, tags=tags)
aws.cloudwatch.LogMetricFilter("errors", name=p, log_group_name=group.name, pattern="ERROR timeout{timeout}",
    metric_transformation={{"name": "errors", "namespace": p, "value": "1", "default_value": "0"}})
aws.dynamodb.Table("d", name=p, billing_mode="PAY_PER_REQUEST", hash_key="pk", range_key="sk", tags=tags,
    attributes=[{{"name": "pk", "type": "S"}}, {{"name": "sk", "type": "S"}}],
    ttl={{"attribute_name": "expires", "enabled": True}}, point_in_time_recovery={{"enabled": True}},
    server_side_encryption={{"enabled": True}})
machine = aws.sfn.StateMachine("sm", name=p, role_arn=role.arn, tags=tags, definition=json.dumps(
    {{"StartAt": "Done", "States": {{"Done": {{"Type": "Succeed"}}}}}}))
database = aws.glue.CatalogDatabase("db", name=p.replace("-", "_"), description=f"{timeout}", tags=tags)
aws.glue.CatalogTable("gt", name="orders", database_name=database.name, description=f"{timeout}",
    table_type="EXTERNAL_TABLE", partition_keys=[{{"name": "dt", "type": "string"}}],
    storage_descriptor={{"location": f"s3://{{p}}/orders/", "columns": [{{"name": "id", "type": "bigint"}}],
    "ser_de_info": {{"serialization_library": "x"}}}})
aws.scheduler.Schedule("sch", name=p, schedule_expression="rate(1 hours)", flexible_time_window={{"mode": "OFF"}},
    target={{"arn": queue.arn, "role_arn": role.arn, "input": "{{}}"}})
key = aws.kms.Key("k", description=p, enable_key_rotation=True, deletion_window_in_days=7, tags=tags)
aws.kms.Alias("ka", name="alias/" + p, target_key_id=key.key_id)
repository = aws.ecr.Repository("repo", name=p, force_delete=True, tags=tags)
aws.ecr.LifecyclePolicy("rl", repository=repository.name, policy=json.dumps({{"rules": [{{"rulePriority": 1,
    "selection": {{"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3}},
    "action": {{"type": "expire"}}}}]}}))
aws.ssm.Parameter("param", name="/" + p, type="SecureString", value="hush-hush", tags=tags)

aws.sagemaker.ModelPackageGroup("mpg", model_package_group_name=p, tags=tags)
serving = aws.iam.Role("serving", name=p + "-serving", assume_role_policy=allow("sagemaker.amazonaws.com"))
model = aws.sagemaker.Model("model", name=p, execution_role_arn=serving.arn, tags=tags,
    primary_container={{"image": f"{{account}}.dkr.ecr.{{region}}.amazonaws.com/engine-test:1"}})
config = aws.sagemaker.EndpointConfiguration("ec", name=p, tags=tags, production_variants=[
    {{"variant_name": "all", "model_name": model.name, "initial_instance_count": 1, "instance_type": "ml.m5.large"}}])
aws.sagemaker.Endpoint("ep", name=p, endpoint_config_name=config.name, tags=tags)
writes = aws.iam.RolePolicy("writes", role=serving.name, policy=json.dumps({{"Version": "2012-10-17", "Statement": [
    {{"Effect": "Allow", "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": "*"}}]}}))
names = ["id", "at"] if tags == {{"team": "tacos"}} else ["id", "at", "more"]
features = aws.sagemaker.FeatureGroup("fg", feature_group_name=p, role_arn=serving.arn, tags=tags,
    record_identifier_feature_name="id", event_time_feature_name="at",
    feature_definitions=[{{"feature_name": name, "feature_type": "String"}} for name in names],
    online_store_config={{"enable_online_store": True, "ttl_duration": {{"unit": "Days", "value": timeout}}}},
    offline_store_config={{"s3_storage_config": {{"s3_uri": bucket.bucket.apply(lambda b: f"s3://{{b}}/features/")}}}},
    opts=pulumi.ResourceOptions(depends_on=[writes]))
pulumi.export("features", features.offline_store_config.s3_storage_config.resolved_output_s3_uri)
"""


def write(folder: StackFolder, prefix: str, timeout: int = 5, tags: str = "{'team': 'tacos'}") -> StackFolder:
    (folder.root / "main.py").write_text(ECHO)
    (folder.root / "layer").mkdir(exist_ok=True)
    (folder.root / "layer/shared.py").write_text("VALUE = 1\n")
    return folder.program(PROGRAM.format(prefix=prefix, timeout=timeout, tags=tags))


@pytest.fixture
def image(cloud: RunningCloud) -> None:
    """A container that answers, for the endpoint."""
    images = json.loads(cloud.images.read_text())
    command = [sys.executable, str(REPOSITORY / "tests/contract/sagemaker/toy_container.py")]
    images["000000000000.dkr.ecr.us-east-1.amazonaws.com/engine-test:1"] = {"command": command, "cwd": "/", "env": {}}
    cloud.images.write_text(json.dumps(images))


@pytest.mark.usefixtures("image")
def test_every_type_is_made_once_found_again_changed_in_place_and_deleted(folder, prefix):
    write(folder, prefix)
    planned, made = [], []
    preview = folder.preview(planned)
    assert not preview.failures
    assert {step.type for step in planned} == {*TYPES, invocation.TYPE}, "a type without a test"
    up = folder.up(made)
    assert not up.failures
    assert up.counts == preview.counts
    assert up.outputs["features"].startswith(f"s3://{prefix}-data/features/")
    assert "hush-hush" not in folder.state_file.read_text()
    count = len(made)
    assert folder.up().counts == {"same": count}
    refreshed = folder.refresh()
    assert not refreshed.failures
    assert refreshed.counts == {"same": count}
    assert folder.up().counts == {"same": count}

    steps = []
    write(folder, prefix, timeout=6, tags="{'team': 'burritos', 'new': '1'}")
    changed = folder.up(steps)
    assert not changed.failures
    assert {step.operation for step in steps} <= {"update"}, "new tags replace nothing"
    assert changed.outputs["invoked"] == ('{"timeout": 6, "tf": {"action": "update", "prev_input": {"timeout": 5}}}')
    write(folder, prefix, tags="None")
    cleared = folder.up()
    assert not cleared.failures
    assert set(cleared.counts) == {"same", "update"}

    destroyed = folder.destroy()
    assert not destroyed.failures
    assert destroyed.counts == {"delete": count}
    assert folder.destroy().counts == {}
