"""From a wish for predictions to a transform job, and from its end to predictions in the lake."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comal import registry, s3_layout
from comal.errors import UserError
from comal.event_bus import EventBus
from comal.events import BatchScored, event_id
from comal.names import Names
from comal.recipe import Recipe
from comal.table_items import from_item, to_attribute
from lambdas.score_batch.messages import Ended, Wish
from lambdas.score_batch.predictions import Predictions
from lambdas.score_batch.transform import Transforms

COMPLETED = "Completed"


@dataclass(frozen=True)
class Scoring:
    """Scores the batches of one stack; clients are boto3's."""

    names: Names
    transforms: Transforms
    predictions: Predictions
    dynamodb: Any
    sagemaker: Any
    bus: EventBus

    def begin(self, recipe: Recipe, wish: Wish) -> str:
        """Start the transform job of a wish. Safe to repeat.

        Returns:
            What was done, for the log.

        Raises:
            UserError: The prefix is none of the model's.
        """
        if not wish.prefix.startswith(s3_layout.validated_prefix(wish.model)):
            raise UserError(
                f"'{wish.prefix}' does not lie below {s3_layout.validated_prefix(wish.model)}.",
                next_step=f"Ask with `comal score {wish.model} PREFIX`.",
            )
        version = registry.champion(self.sagemaker, self.names, wish.model)
        if version is None:
            return f"'{wish.model}' has no approved version"
        if not self.predictions.has_batches(wish.prefix):
            return f"there is nothing below {wish.prefix}"
        return f"started {self.transforms.start(recipe, version, wish.prefix, wish.scoring_id)}"

    def finish(self, ended: Ended, now: datetime) -> str:
        """Publish what a job has predicted, or remove what it left. Safe to repeat.

        Args:
            ended: The job.
            now: Time of the event that tells of its end.

        Returns:
            What was done, for the log.
        """
        done = f"scoring {ended.scoring_id} {ended.status}: {ended.failure}"
        if ended.status == COMPLETED:
            done = self._publish(ended, now)
        # Last, so that a function that dies on the way finds everything when the message comes again.
        self.predictions.discard(ended.model, ended.scoring_id)
        self.transforms.forget(ended.model, ended.scoring_id)
        return done

    def _publish(self, ended: Ended, now: datetime) -> str:
        batches = self.predictions.publish(ended.model, ended.scoring_id, ended.prefix)
        if not batches:
            return f"scoring {ended.scoring_id} was published before"
        scored = BatchScored(
            event_id=event_id(self.names.stack, ended.model, "scored", ended.scoring_id),
            stack=self.names.stack,
            model=ended.model,
            version=ended.version,
            transform_job_name=self.names.transform_job(ended.model, ended.scoring_id),
            source_prefix=ended.prefix,
            predictions_prefix=s3_layout.predictions_of(ended.prefix),
            rows=sum(self._rows(ended.model, batch) for batch in batches),
        )
        self.bus.emit(scored, now)
        return f"scored {scored.rows} rows of {ended.prefix} with version {ended.version}"

    def _rows(self, model: str, batch_id: str) -> int:
        answer = self.dynamodb.get_item(
            TableName=self.names.shared("batches"),
            Key={"pk": to_attribute(model), "sk": to_attribute(f"batch#{batch_id}")},
        )
        return int(from_item(answer.get("Item", {})).get("rows", 0))
