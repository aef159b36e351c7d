"""What the local engine does with a program: preview, up, refresh, destroy."""

import json

import pytest

from comal.errors import UserError
from localcloud.engine import EngineError
from tests.contract.engine.stack_folder import make_stack_folder

QUEUE = 'aws.sqs.Queue("queue", name="{prefix}"{more})\n'
PAIR = """
queue = aws.sqs.Queue("queue", name="{prefix}", visibility_timeout_seconds=40, tags={{"team": "tacos"}})
topic = aws.sns.Topic("topic", name="{prefix}")
pulumi.export("url", queue.url)
pulumi.export("secret", pulumi.Output.secret("hush-hush"))
"""


def queue_attributes(cloud, prefix):
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=prefix)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def queue_names(cloud, prefix):
    return [
        url.rsplit("/", 1)[1] for url in cloud.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    ]


def test_preview_shows_what_up_would_make_and_makes_nothing(folder, prefix, cloud):
    folder.program(PAIR.format(prefix=prefix))
    summary = folder.preview()
    assert summary.counts == {"create": 2}
    assert queue_names(cloud, prefix) == []
    assert not folder.state_file.exists()


def test_a_second_up_changes_nothing(folder, prefix):
    folder.program(PAIR.format(prefix=prefix))
    assert folder.up().counts == {"create": 2}
    assert folder.up().counts == {"same": 2}


def test_one_changed_setting_is_one_update(folder, prefix, cloud):
    folder.program(QUEUE.format(prefix=prefix, more="") + f'aws.sns.Topic("topic", name="{prefix}")')
    folder.up()
    folder.program(
        QUEUE.format(prefix=prefix, more=", visibility_timeout_seconds=77") + f'aws.sns.Topic("topic", name="{prefix}")'
    )
    steps = []
    assert folder.up(steps).counts == {"update": 1, "same": 1}
    assert [(step.operation, step.changed) for step in steps] == [("update", ("visibilityTimeoutSeconds",))]
    assert queue_attributes(cloud, prefix)["VisibilityTimeout"] == "77"


def test_an_input_that_is_taken_away_returns_to_its_default(folder, prefix, cloud):
    folder.program(PAIR.format(prefix=prefix))
    folder.up()
    folder.program(QUEUE.format(prefix=prefix, more=""))
    assert folder.up().counts == {"update": 1, "delete": 1}
    assert queue_attributes(cloud, prefix)["VisibilityTimeout"] == "30"
    url = cloud.client("sqs").get_queue_url(QueueName=prefix)["QueueUrl"]
    assert not cloud.client("sqs").list_queue_tags(QueueUrl=url).get("Tags")


def test_another_name_is_a_new_resource_and_the_old_one_goes(folder, prefix, cloud):
    folder.program(QUEUE.format(prefix=prefix, more=""))
    folder.up()
    folder.program(QUEUE.format(prefix=f"{prefix}-b", more=""))
    assert folder.up().counts == {"replace": 1, "delete": 1}
    assert queue_names(cloud, prefix) == [f"{prefix}-b"]


def test_a_replacement_that_cannot_coexist_takes_its_dependents_along(folder, prefix, cloud):
    program = """
    role = aws.iam.Role("role", name="{prefix}", path="{path}", assume_role_policy='{trust}')
    aws.iam.RolePolicy("policy", name="inline", role=role.name, policy='{policy}')
    """
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    documents = {
        name: json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for name, statement in (("trust", trust), ("policy", policy))
    }
    folder.program(program.format(prefix=prefix, path="/", **documents))
    folder.up()
    folder.program(program.format(prefix=prefix, path="/moved/", **documents))
    summary = folder.up()
    assert not summary.failures
    assert summary.counts == {"delete": 2, "replace": 1, "create": 1}
    iam = cloud.client("iam")
    assert iam.get_role(RoleName=prefix)["Role"]["Path"] == "/moved/"
    assert iam.list_role_policies(RoleName=prefix)["PolicyNames"] == ["inline"]


def test_ignored_changes_are_ignored(folder, prefix):
    options = (
        ", visibility_timeout_seconds={}, opts=pulumi.ResourceOptions(ignore_changes=['visibilityTimeoutSeconds'])"
    )
    folder.program(QUEUE.format(prefix=prefix, more=options.format(40)))
    folder.up()
    folder.program(QUEUE.format(prefix=prefix, more=options.format(50)))
    assert folder.up().counts == {"same": 1}


def test_a_protected_resource_is_not_deleted(folder, prefix, cloud):
    folder.program(QUEUE.format(prefix=prefix, more=", opts=pulumi.ResourceOptions(protect=True)"))
    folder.up()
    summary = folder.destroy()
    assert "protected" in summary.failures[0]
    assert queue_names(cloud, prefix) == [prefix]
    folder.program(QUEUE.format(prefix=prefix, more=""))
    folder.up()


def test_a_retained_resource_is_forgotten_and_stays(folder, prefix, cloud):
    folder.program(QUEUE.format(prefix=prefix, more=", opts=pulumi.ResourceOptions(retain_on_delete=True)"))
    folder.up()
    assert folder.destroy().counts == {"forget": 1}
    assert queue_names(cloud, prefix) == [prefix]
    cloud.client("sqs").delete_queue(QueueUrl=cloud.client("sqs").get_queue_url(QueueName=prefix)["QueueUrl"])


def test_an_alias_moves_the_record_and_touches_nothing(folder, prefix):
    folder.program(f'aws.sqs.Queue("old", name="{prefix}")')
    folder.up()
    folder.program(
        f'aws.sqs.Queue("new", name="{prefix}", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))'
    )
    assert folder.up().counts == {"same": 1}


def test_secrets_reach_neither_state_nor_outputs(folder, prefix):
    folder.program(
        PAIR.format(prefix=prefix)
        + f'aws.ssm.Parameter("p", name="/{prefix}", type="String", value=pulumi.Output.secret("hush-hush"))'
    )
    summary = folder.up()
    assert not summary.failures
    assert summary.outputs["secret"] == "[secret]"
    assert summary.outputs["url"].endswith(prefix)
    assert "hush-hush" not in folder.state_file.read_text()
    assert folder.state_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ('aws.athena.Database("x", name="x", bucket="b")', "no row for aws:athena/database:Database"),
        ('aws.sqs.Queue("x", name="x", kms_data_key_reuse_period_seconds=60)', "kmsDataKeyReusePeriodSeconds"),
        ('aws.sqs.Queue("x"); aws.sqs.Queue("x")', "twice"),
        ('raise ValueError("no such shop")', "no such shop"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_preview(folder, program, said):
    folder.program(program)
    (failure,) = folder.preview().failures
    assert said in failure
    assert "localcloud/engine/monitor.py" not in failure


def test_a_program_s_error_that_says_what_to_do_is_passed_on(folder):
    folder.program("from comal.errors import UserError\nraise UserError('no such shop', next_step='Open one.')")
    with pytest.raises(UserError) as caught:
        folder.up()
    assert caught.value.next_step == "Open one."


def test_an_endpoint_that_is_not_on_this_machine_is_refused(tmp_path, prefix):
    folder = make_stack_folder(tmp_path / "far", "https://sqs.us-east-1.amazonaws.com")
    folder.program(QUEUE.format(prefix=prefix, more=""))
    (failure,) = folder.up().failures
    assert "not on this machine" in failure


def test_a_second_operation_on_the_same_stack_is_refused(folder, prefix):
    folder.program(QUEUE.format(prefix=prefix, more=""))
    with folder.engine()._file.lock(), pytest.raises(EngineError, match="Another operation"):
        folder.up()


def test_a_damaged_state_file_is_named(folder, prefix):
    folder.program(QUEUE.format(prefix=prefix, more=""))
    folder.state_file.write_text("{")
    with pytest.raises(EngineError, match="is damaged"):
        folder.up()
    folder.state_file.unlink()


def test_refresh_finds_what_others_deleted_or_changed_and_up_puts_it_right(folder, prefix, cloud):
    folder.program(PAIR.format(prefix=prefix))
    folder.up()
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    url = sqs.get_queue_url(QueueName=prefix)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    sns.delete_topic(TopicArn=f"arn:aws:sns:us-east-1:000000000000:{prefix}")
    assert folder.refresh().counts == {"update": 1, "forget": 1}
    assert folder.up().counts == {"update": 1, "create": 1}
    assert queue_attributes(cloud, prefix)["VisibilityTimeout"] == "40"


def test_destroy_leaves_nothing(folder, prefix, cloud):
    folder.program(PAIR.format(prefix=prefix))
    folder.up()
    assert folder.destroy().counts == {"delete": 2}
    assert queue_names(cloud, prefix) == []
    assert folder.engine().outputs() == {}
    assert folder.destroy().counts == {}
