"""Judging a file on this machine's disk: the verdict, the typed rows as Parquet, the profile and the drift."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comal.contract import check_file
from comal.drift import drift_of, warnings_of
from comal.profile import Profile
from comal.profiler import Profiler
from comal.recipe import Recipe
from lambdas.validate_batch.batch import Judgement

# Large enough for readers to be fast, small enough to hold a few of them.
_ROW_GROUP_ROWS = 262_144


@dataclass(frozen=True)
class Judged:
    """A judgement, and what the rows are summed up to."""

    judgement: Judgement
    profile: Profile


def judge(path: Path, typed_path: Path, recipe: Recipe, reference: Profile | None) -> Judged:
    """Check a file and write its typed rows.

    Args:
        path: The file as it was pushed.
        typed_path: Parquet file to write; complete and right only if the judgement accepts the file.
        recipe: The contract.
        reference: Profile to measure drift against.
    """
    profiler = Profiler(recipe, reference)
    with _RowWriter(typed_path) as writer:

        def receive(rows: pa.RecordBatch) -> None:
            writer.write(rows)
            profiler.add(rows)

        verdict = check_file(path, recipe, receive)
    profile = profiler.profile()
    drift = drift_of(profile, reference) if reference and verdict.accepted else []
    warnings = warnings_of(drift, recipe.validation.warn_drift)
    return Judged(Judgement(verdict.rows, verdict.findings, drift, warnings), profile)


class _RowWriter:
    """A Parquet file whose row groups do not depend on how its rows come in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def __enter__(self) -> "_RowWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._waiting:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def write(self, rows: pa.RecordBatch) -> None:
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        if self._waiting_rows >= _ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._waiting)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        self._waiting = []
        self._waiting_rows = 0
