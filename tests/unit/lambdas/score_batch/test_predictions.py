"""What a transform job wrote, on its way to each batch's place: against S3 of the local cloud."""

from collections.abc import Callable
from typing import Any

import pytest

from comal import s3_layout
from lambdas.score_batch.predictions import Predictions
from tests.unit.lambdas.lambda_stack import LambdaStack

SCORING = "0123456789ab"
DAYS = ("2026-02-27", "2026-02-28")


class Lake:
    """The lake's bucket with two days of batches, each scored under its own words."""

    def __init__(self, stack: LambdaStack) -> None:
        self.s3 = stack.s3
        self.model = stack.model
        self.bucket = stack.names.bucket("lake")
        self.root = s3_layout.validated_prefix(stack.model)
        self.predictions = Predictions(stack.s3, self.bucket)
        for number, day in enumerate(DAYS):
            self.put(f"{self.root}dt={day}/batch-{number}.parquet", b"rows")
            self.put(self.written(f"dt={day}/batch-{number}.parquet"), b"predictions of %d" % number)

    def written(self, batch: str, scoring: str = SCORING) -> str:
        return s3_layout.scoring_prefix(self.model, scoring) + batch + ".out"

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def contents(self, prefix: str) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {item["Key"]: self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read() for item in listed}

    def publish(self, prefix: str | None = None) -> list[str]:
        return publish(self.predictions, self, prefix or self.root)


def publish(predictions: Predictions, lake: Lake, prefix: str) -> list[str]:
    """As score_batch does at a job's end."""
    published = predictions.publish(lake.model, SCORING, prefix)
    predictions.discard(lake.model, SCORING)
    return published


@pytest.fixture
def lake(lambda_stack: LambdaStack) -> Lake:
    return Lake(lambda_stack)


PUBLISHED = {
    "predictions/tacos/v1/dt=2026-02-27/batch-0.parquet": b"predictions of 0",
    "predictions/tacos/v1/dt=2026-02-28/batch-1.parquet": b"predictions of 1",
}


def test_each_file_goes_to_its_batchs_place_and_nothing_stays_out_of_sight(lake: Lake) -> None:
    assert lake.publish() == ["batch-0", "batch-1"]
    assert lake.contents("predictions/") == PUBLISHED
    assert lake.contents("scoring/") == {}


def test_one_days_job_names_its_files_below_the_day(lake: Lake) -> None:
    lake.predictions.discard(lake.model, SCORING)
    lake.put(lake.written("batch-1.parquet"), b"predictions of 1")
    assert lake.publish(f"{lake.root}dt={DAYS[1]}/") == ["batch-1"]
    place = "predictions/tacos/v1/dt=2026-02-28/batch-1.parquet"
    assert lake.contents("predictions/") == {place: PUBLISHED[place]}


def test_a_batch_that_is_scored_again_has_its_file_replaced(lake: Lake) -> None:
    lake.publish()
    lake.put(lake.written(f"dt={DAYS[0]}/batch-0.parquet"), b"newer")
    lake.publish()
    assert list(lake.contents("predictions/").values()) == [b"newer", b"predictions of 1"]


@pytest.mark.parametrize("call", ["copy_object", "delete_object"])
@pytest.mark.parametrize("survived", [0, 1])
def test_a_function_that_dies_between_two_calls_publishes_all_of_it_when_it_is_called_again(
    lake: Lake, call: str, survived: int
) -> None:
    dying = Predictions(_DyingS3(lake.s3, call, survived), lake.bucket)
    with pytest.raises(RuntimeError, match="killed"):
        publish(dying, lake, lake.root)
    lake.publish()
    assert lake.contents("predictions/") == PUBLISHED
    assert lake.contents("scoring/") == {}


def test_a_batch_that_went_meanwhile_has_no_predictions_and_one_that_came_has_none_yet(lake: Lake) -> None:
    lake.s3.delete_object(Bucket=lake.bucket, Key=f"{lake.root}dt={DAYS[0]}/batch-0.parquet")
    lake.put(f"{lake.root}dt={DAYS[1]}/late.parquet", b"rows")
    assert lake.publish() == ["batch-1"]
    assert list(lake.contents("predictions/").values()) == [b"predictions of 1"]


def test_another_scorings_files_are_left_alone(lake: Lake) -> None:
    lake.put(lake.written("batch-9.parquet", scoring="ba9876543210"), b"other")
    lake.predictions.discard(lake.model, SCORING)
    assert list(lake.contents("scoring/").values()) == [b"other"]


def test_a_prefix_has_batches_or_has_none(lake: Lake) -> None:
    assert lake.predictions.has_batches(lake.root)
    assert not lake.predictions.has_batches(s3_layout.validated_prefix(lake.model, "1999-01-01"))


class _DyingS3:
    """S3, until the function is killed before one of its calls."""

    def __init__(self, client: Any, call: str, survived: int) -> None:
        self._client = client
        self._call = call
        self._survived = survived

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name == self._call:
            if self._survived == 0:
                raise RuntimeError("killed")
            self._survived -= 1
        found: Callable[..., Any] = getattr(self._client, name)
        return found
