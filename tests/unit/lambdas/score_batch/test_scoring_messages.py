"""What the queue of score_batch asks for."""

from typing import Any

from comal.names import Names
from lambdas.score_batch.messages import Ended, Wish, read_message

NAMES = Names(stack="dev", account="123456789012", region="eu-west-1")


def ended(stack: str) -> dict[str, Any]:
    source = {"S3DataSource": {"S3Uri": "s3://lake/validated/tacos/v1/"}}
    detail = {
        "TransformJobName": NAMES.transform_job("tacos", "0123456789ab"),
        "TransformJobStatus": "Failed",
        "FailureReason": "ClientError: no",
        "TransformInput": {"DataSource": source},
        "Tags": {"comal:stack": stack, "comal:model": "tacos", "comal:version": "3"},
    }
    return {"detail-type": "SageMaker Transform Job State Change", "detail": detail}


def test_a_schedule_asks_for_the_day_before_and_a_repeated_one_for_the_same_scoring() -> None:
    message = {"detail-type": "Schedule", "model": "tacos", "time": "2026-03-01T00:05:00Z"}
    wish = read_message(NAMES, message)
    assert isinstance(wish, Wish)
    assert wish.prefix == "validated/tacos/v1/dt=2026-02-28/"
    assert read_message(NAMES, message) == wish
    assert read_message(NAMES, {**message, "time": "2026-03-02T00:05:00Z"}) != wish


def test_the_end_of_a_job_tells_which_scoring_and_version_it_was() -> None:
    expected = Ended("tacos", "validated/tacos/v1/", "0123456789ab", 3, "Failed", "ClientError: no")
    assert read_message(NAMES, ended("dev")) == expected


def test_the_end_of_another_stacks_job_is_passed_over() -> None:
    assert read_message(NAMES, ended("prod")) is None
