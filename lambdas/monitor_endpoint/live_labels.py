"""Late labels beside the predictions that they judge: the newest labelled rows of a version."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comal.live_quality import QualityScore, quality_score
from comal.recipe import Recipe
from lambdas.monitor_endpoint.buckets import Buckets
from lambdas.monitor_endpoint.captured_rows import Columns
from lambdas.monitor_endpoint.label_file import join_keys_of_ids, join_keys_of_times
from lambdas.monitor_endpoint.window_profile import shown_time

# Labels held in memory for a join, the newest ones: 20 MB or so.
MAX_LABELS = 200_000
# An interval from fewer rows says little.
MIN_LABELLED = 30
# How long after the day by which they were due labels are still looked at.
_GRACE = timedelta(days=7)


@dataclass
class Labelled:
    """Predictions with labels, as `quality_score` takes them.

    Attributes:
        unmatched: Labels whose prediction was not found; its capture file may still come.
    """

    predictions: list[dict[str, Any]] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    unmatched: int = 0


def labelled_rows(lake: Buckets, fetch: Callable[[str], Path], recipe: Recipe, version: int, now: datetime) -> Labelled:
    """The newest labelled rows of a version, at most `monitoring.window_rows`.

    Args:
        lake: Where typed labels and captured rows lie.
        fetch: Gives the local path of a file of the lake by its key.
        recipe: The model's.
        version: Version that predicted.
        now: Until when.
    """
    reach = timedelta(seconds=recipe.monitoring.label_delay_s) + _GRACE
    labels = _newest_labels(lake.newest("labels", recipe.model, (now - reach).date(), now.date()), fetch)
    found = Labelled(unmatched=labels.num_rows)
    if not labels.num_rows:
        return found
    seen: set[str] = set()
    keys, values = labels.column("join_key"), labels.column("label")
    for key in lake.newest("captured", recipe.model, (now - 2 * reach).date(), now.date()):
        rows = _captured(fetch(key), recipe)
        for row_keys in _join_keys(rows, Columns(recipe)):
            positions = pc.index_in(row_keys, value_set=keys)
            for index in pc.indices_nonzero(positions.is_valid()).to_pylist():
                name = row_keys[index].as_py()
                if name in seen:
                    continue
                seen.add(name)
                found.unmatched -= 1
                if _version(rows, index, recipe) != version or len(found.labels) >= recipe.monitoring.window_rows:
                    continue
                found.predictions.append(_answer(rows, index, recipe))
                found.labels.append(values[positions[index].as_py()].as_py())
        if len(found.labels) >= recipe.monitoring.window_rows or not found.unmatched:
            break
    return found


def live_quality(recipe: Recipe, labelled: Labelled, baseline: float | None) -> QualityScore | None:
    """The live metric of labelled rows; None where they are too few or have nothing to be compared with."""
    usable = [
        (answer, label)
        for answer, label in zip(labelled.predictions, labelled.labels, strict=True)
        if answer["prediction"] is not None
    ]
    if len(usable) < MIN_LABELLED or baseline is None:
        return None
    return quality_score(recipe, [answer for answer, _ in usable], [label for _, label in usable], baseline)


def quality_row(score: QualityScore, version: int, rows: int, now: datetime) -> dict[str, Any]:
    """What the table keeps of a live quality, as JSON values."""
    return {
        "version": version,
        "scored_at": shown_time(now),
        "rows": rows,
        "metric": score.metric,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "baseline": score.baseline,
        "threshold": score.threshold,
        "quality_score": score.score,
    }


def _newest_labels(keys: Iterator[str], fetch: Callable[[str], Path]) -> pa.Table:
    """Labels of the newest files; of several for one row the one observed last."""
    tables: list[pa.Table] = []
    rows = 0
    for key in keys:
        if rows >= MAX_LABELS:
            break
        tables.append(pq.read_table(fetch(key), memory_map=False))
        rows += tables[-1].num_rows
    if not tables:
        return pa.table({"join_key": pa.array([], pa.string()), "label": pa.array([], pa.string())})
    # Observed at the same moment and not alike: the larger label, so that the order of files does not matter.
    order = [("observed_at", "descending"), ("label", "descending")]
    ordered = pa.concat_tables(tables).sort_by(order).slice(0, MAX_LABELS)
    first = (
        ordered.append_column("place", pa.array(range(ordered.num_rows)))
        .group_by("join_key")
        .aggregate([("place", "min")])
    )
    return ordered.take(first.column("place_min").combine_chunks().sort()).combine_chunks()


def _captured(path: Path, recipe: Recipe) -> pa.Table:
    """The columns of captured rows that a join needs."""
    columns = Columns(recipe)
    names = [columns.of_call(name) for name in ("inference_id", "model_version", "prediction", "probability")]
    names += [columns.of_call("probabilities"), *columns.joins]
    with pq.ParquetFile(path, memory_map=False) as file:
        return file.read([name for name in names if name in file.schema_arrow.names]).combine_chunks()


def _join_keys(rows: pa.Table, columns: Columns) -> Iterator[Any]:
    """Keys by which labels may name these rows."""
    yield join_keys_of_ids(_only_chunk(rows, columns.of_call("inference_id")))
    by_role = {role: name for name, role in columns.joins.items() if name in rows.schema.names}
    if {"entity", "event_time"} <= by_role.keys():
        yield join_keys_of_times(_only_chunk(rows, by_role["entity"]), _only_chunk(rows, by_role["event_time"]))


def _only_chunk(rows: pa.Table, name: str) -> Any:
    column = rows.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _version(rows: pa.Table, index: int, recipe: Recipe) -> int:
    return int(rows.column(Columns(recipe).of_call("model_version"))[index].as_py())


def _answer(rows: pa.Table, index: int, recipe: Recipe) -> dict[str, Any]:
    """A prediction as the endpoint answered it."""
    columns = Columns(recipe)
    answer: dict[str, Any] = {"prediction": rows.column(columns.of_call("prediction"))[index].as_py()}
    if recipe.task == "binary":
        answer["probability"] = rows.column(columns.of_call("probability"))[index].as_py()
    if recipe.task == "multiclass":
        answer["probabilities"] = dict(rows.column(columns.of_call("probabilities"))[index].as_py())
    return answer
