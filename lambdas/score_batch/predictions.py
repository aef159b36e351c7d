"""A scoring's files in the lake: out of sight until the job is done, then each in its batch's place."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from comal import s3_layout

_OUT = ".out"


@dataclass(frozen=True)
class Predictions:
    """`s3` is a boto3 client."""

    s3: Any
    lake: str

    def has_batches(self, prefix: str) -> bool:
        """Whether there is anything to score."""
        return next(self._keys(prefix), None) is not None

    def publish(self, model: str, scoring_id: str, prefix: str) -> list[str]:
        """Copy what the job has written to where the predictions of each batch belong; safe to repeat until `discard`.

        Args:
            model: Name of the model.
            scoring_id: Id of the scoring.
            prefix: Prefix of the batches that were scored.

        Returns:
            Ids of the batches that have these predictions; empty when they were published and discarded before.
        """
        published = []
        batches = {PurePosixPath(key).name: key for key in self._keys(prefix)}
        for key in list(self._keys(s3_layout.scoring_prefix(model, scoring_id))):
            name = PurePosixPath(key).name.removesuffix(_OUT)
            # A batch that came while the job ran was not scored; one that went meanwhile needs no predictions.
            if name in batches:
                target = s3_layout.predictions_of(batches[name])
                self.s3.copy_object(Bucket=self.lake, Key=target, CopySource={"Bucket": self.lake, "Key": key})
                published.append(PurePosixPath(name).stem)
        return published

    def discard(self, model: str, scoring_id: str) -> None:
        """Remove what a job has written."""
        for key in list(self._keys(s3_layout.scoring_prefix(model, scoring_id))):
            self.s3.delete_object(Bucket=self.lake, Key=key)

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.lake, Prefix=prefix):
            for item in page.get("Contents", []):
                yield item["Key"]
