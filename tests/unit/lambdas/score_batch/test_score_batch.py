"""score_batch against the local cloud: real transform jobs, whose toy container answers each file with a line."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from comal import s3_layout
from comal.absence import describe_or_none
from comal.events import BatchScored, BatchScoringRequested
from comal.scoring import scoring_id_of
from comal.table_items import to_item
from lambdas.score_batch.handler import handle
from lambdas.score_batch.transform import Transforms
from tests.unit.lambdas.lambda_stack import BROKEN_IMAGE, NOW, Context, LambdaStack, sqs_event, wait_for

DAY = "2026-02-28"
ROWS = {"batch-a": 3, "batch-b": 4}


@pytest.fixture
def stack(lambda_stack: LambdaStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaStack]:
    """Two validated batches of one day, and no version yet."""
    monkeypatch.setenv("COMAL_TRANSFORM_ROLE_ARN", lambda_stack.role_arn)
    for batch, rows in ROWS.items():
        put(lambda_stack, s3_layout.validated_prefix(lambda_stack.model, DAY) + f"{batch}.parquet")
        item = {"pk": lambda_stack.model, "sk": f"batch#{batch}", "rows": rows}
        lambda_stack.dynamodb.put_item(TableName=lambda_stack.names.shared("batches"), Item=to_item(item))
    yield lambda_stack
    for job in jobs(lambda_stack):
        ended(lambda_stack, job)


def put(stack: LambdaStack, key: str) -> None:
    stack.s3.put_object(Bucket=stack.names.bucket("lake"), Key=key, Body=b"rows")


def keys(stack: LambdaStack, prefix: str) -> list[str]:
    listed = stack.s3.list_objects_v2(Bucket=stack.names.bucket("lake"), Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def requested(stack: LambdaStack, prefix: str | None = None, model: str | None = None) -> dict[str, Any]:
    """What EventBridge delivers when somebody asks for predictions, each time anew."""
    event = BatchScoringRequested(
        event_id=uuid.uuid4().hex[:16],
        stack=stack.names.stack,
        model=model or stack.model,
        prefix=s3_layout.validated_prefix(stack.model) if prefix is None else prefix,
        requested_by="somebody",
    )
    detail = event.model_dump(mode="json")
    return {"detail-type": "BatchScoringRequested", "source": "comal", "time": NOW, "detail": detail}


def scoring_id(stack: LambdaStack, envelope: dict[str, Any]) -> str:
    return scoring_id_of(stack.model, envelope["detail"]["event_id"])


def job_name(stack: LambdaStack, envelope: dict[str, Any]) -> str:
    return stack.names.transform_job(stack.model, scoring_id(stack, envelope))


def jobs(stack: LambdaStack) -> list[str]:
    listed = stack.sagemaker.list_transform_jobs(NameContains=stack.names.stack)
    return [job["TransformJobName"] for job in listed["TransformJobSummaries"]]


def ended(stack: LambdaStack, name: str) -> dict[str, Any]:
    """The event that tells of a job's end."""

    def job() -> dict[str, Any] | None:
        found: dict[str, Any] = stack.sagemaker.describe_transform_job(TransformJobName=name)
        return found if found["TransformJobStatus"] not in ("InProgress", "Stopping") else None

    found = wait_for(job, f"the end of {name}")
    told = ("TransformJobName", "TransformJobStatus", "TransformInput", "FailureReason")
    detail = {field: found[field] for field in told if field in found} | {"Tags": tags(stack, found["TransformJobArn"])}
    return {"detail-type": "SageMaker Transform Job State Change", "time": NOW, "detail": detail}


def tags(stack: LambdaStack, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack.sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def call(*envelopes: dict[str, Any]) -> list[Any]:
    failures: list[Any] = handle(sqs_event(*envelopes), Context())["batchItemFailures"]
    return failures


def model_of(stack: LambdaStack, envelope: dict[str, Any]) -> dict[str, Any] | None:
    return describe_or_none(stack.sagemaker.describe_model, ModelName=job_name(stack, envelope))


def test_a_wish_becomes_predictions_at_each_batchs_place_and_an_event(stack: LambdaStack) -> None:
    stack.add_version()
    wish = requested(stack)
    assert call(wish) == []
    assert call(ended(stack, job_name(stack, wish))) == []
    places = [f"predictions/{stack.model}/v1/dt={DAY}/{batch}.parquet" for batch in ROWS]
    assert keys(stack, "predictions/") == places
    assert keys(stack, "scoring/") == []
    assert model_of(stack, wish) is None, "a scoring's Model goes with it"
    (told,) = [event for event in stack.events(bool) if event["detail-type"] == "BatchScored"]
    scored = BatchScored.model_validate(told["detail"])
    assert (scored.version, scored.rows, scored.transform_job_name) == (1, 7, job_name(stack, wish))
    assert scored.predictions_prefix == f"predictions/{stack.model}/v1/"


def test_a_wish_and_an_end_that_come_again_change_nothing(stack: LambdaStack) -> None:
    stack.add_version()
    wish = requested(stack)
    assert call(wish, wish) == []
    assert jobs(stack) == [job_name(stack, wish)]
    end = ended(stack, job_name(stack, wish))
    assert call(end, end, wish) == []
    assert jobs(stack) == [job_name(stack, wish)]
    assert len(keys(stack, "predictions/")) == len(ROWS)
    assert len(stack.events(bool)) == 1


def test_a_function_that_dies_before_its_event_emits_it_when_the_message_comes_again(
    stack: LambdaStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.add_version()
    wish = requested(stack)
    assert call(wish) == []
    end = ended(stack, job_name(stack, wish))
    with monkeypatch.context() as patched:
        patched.setattr("lambdas.score_batch.handler.EventBus", _DyingBus)
        with pytest.raises(BatchProcessingError, match="killed"):
            call(end)
    assert call(end) == []
    (told,) = stack.events(bool)
    assert told["detail"]["rows"] == 7
    assert keys(stack, "scoring/") == []


@pytest.mark.parametrize("dies_in", ["create_model", "create_transform_job"])
def test_a_scoring_keeps_its_version_when_the_function_dies_and_the_champion_changes(
    stack: LambdaStack, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    """It dies after the call has done its work, or before it was made: as after kill -9, no answer came."""
    stack.add_version()
    wish = requested(stack)
    dying = _DyingClient(stack.sagemaker, dies_in)
    with monkeypatch.context() as patched:
        patched.setattr("lambdas.score_batch.handler.Transforms", lambda _, *rest: Transforms(dying, *rest))
        with pytest.raises(BatchProcessingError, match="killed"):
            call(wish)
    stack.add_version()
    assert call(wish) == []
    end = ended(stack, job_name(stack, wish))
    made = model_of(stack, wish)
    assert made is not None
    assert made["PrimaryContainer"]["Environment"]["COMAL_MODEL_VERSION"] == "1"
    assert end["detail"]["Tags"]["comal:version"] == "1"
    assert call(end) == []
    (told,) = stack.events(bool)
    assert told["detail"]["version"] == 1


def test_rows_of_a_batch_that_came_while_the_job_ran_are_not_counted(stack: LambdaStack) -> None:
    stack.add_version()
    wish = requested(stack)
    assert call(wish) == []
    end = ended(stack, job_name(stack, wish))
    late = {"pk": stack.model, "sk": "batch#late", "rows": 1000}
    stack.dynamodb.put_item(TableName=stack.names.shared("batches"), Item=to_item(late))
    put(stack, s3_layout.validated_prefix(stack.model, DAY) + "late.parquet")
    assert call(end) == []
    (told,) = stack.events(bool)
    assert told["detail"]["rows"] == 7


def test_a_failed_job_publishes_nothing_and_leaves_nothing(stack: LambdaStack) -> None:
    stack.add_version(image=BROKEN_IMAGE)
    wish = requested(stack)
    assert call(wish) == []
    end = ended(stack, job_name(stack, wish))
    assert end["detail"]["TransformJobStatus"] == "Failed"
    put(stack, s3_layout.scoring_prefix(stack.model, scoring_id(stack, wish)) + "half.parquet.out")
    assert call(end) == []
    assert keys(stack, "predictions/") + keys(stack, "scoring/") == []
    assert model_of(stack, wish) is None


def test_a_schedule_scores_the_day_before(stack: LambdaStack) -> None:
    stack.add_version()
    put(stack, s3_layout.validated_prefix(stack.model, "2026-03-01") + "batch-c.parquet")
    assert call({"detail-type": "Schedule", "model": stack.model, "time": "2026-03-01T03:00:00Z"}) == []
    (name,) = jobs(stack)
    assert call(ended(stack, name)) == []
    assert len(keys(stack, "predictions/")) == len(ROWS)


def test_there_is_nothing_to_do_without_a_version_batches_or_a_deployed_recipe(stack: LambdaStack) -> None:
    assert call(requested(stack)) == []
    stack.add_version()
    empty = s3_layout.validated_prefix(stack.model, "1999-01-01")
    assert call(requested(stack, empty), requested(stack, model="burritos")) == []
    assert jobs(stack) == []


def test_a_prefix_of_somebody_else_fails_its_message_alone(stack: LambdaStack) -> None:
    stack.add_version()
    good = requested(stack)
    assert call(requested(stack, "recipes/"), good) == [{"itemIdentifier": "message-0"}]
    assert jobs(stack) == [job_name(stack, good)]


class _DyingBus:
    def __init__(self, _: Any) -> None:
        pass

    def emit(self, *_: object) -> None:
        raise RuntimeError("killed")


class _DyingClient:
    """SageMaker, until the function is killed: right after create_model, or right before create_transform_job."""

    def __init__(self, client: Any, dies_in: str) -> None:
        self._client = client
        self._dies_in = dies_in

    def __getattr__(self, name: str) -> Any:
        if name != self._dies_in:
            return getattr(self._client, name)

        def die(**request: Any) -> None:
            if name == "create_model":
                self._client.create_model(**request)
            raise RuntimeError("killed")

        return die
