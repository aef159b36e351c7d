"""A scoring's files in the lake: out of sight until the job is done, then all of them among the predictions."""

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

    def publish(self, model: str, scoring_id: str, day: str) -> list[str]:
        """Move what the job has written to the predictions of a day; safe to repeat.

        Returns:
            Ids of the batches that were scored.
        """
        target = s3_layout.predictions_prefix(model, day, scoring_id)
        for key in list(self._keys(s3_layout.scoring_prefix(model, scoring_id))):
            name = PurePosixPath(key).name.removesuffix(_OUT)
            self.s3.copy_object(Bucket=self.lake, Key=target + name, CopySource={"Bucket": self.lake, "Key": key})
        self.discard(model, scoring_id)
        return [PurePosixPath(key).stem for key in self._keys(target)]

    def discard(self, model: str, scoring_id: str) -> None:
        """Remove what a job has written."""
        for key in list(self._keys(s3_layout.scoring_prefix(model, scoring_id))):
            self.s3.delete_object(Bucket=self.lake, Key=key)

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.lake, Prefix=prefix):
            for item in page.get("Contents", []):
                yield item["Key"]
