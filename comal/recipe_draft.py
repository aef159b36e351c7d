"""A recipe drafted from a data file: what `comal init` writes, with a reason for every guess."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comal import recipe_file
from comal.column_facts import MAX_DISTINCT, ColumnFacts
from comal.column_guess import LEFT_OUT, Guess, guess_feature
from comal.contract import check_file
from comal.conversion import labels, numbers
from comal.draft_text import DraftText
from comal.errors import DataError, UserError
from comal.finding import shown
from comal.leaks import NEARLY_PERFECT, exact_combination, share_explained
from comal.names import MODEL_PATTERN
from comal.pushed_file import open_file
from comal.reading import Reading
from comal.recipe import Validation
from comal.time_format import TimeFormat

# Rows that the leak probe looks at, spread over the file's batches.
_PROBE_ROWS_PER_BATCH = 10_000
_PROBE_ROWS = 50_000
_FEW_CLASSES = 10


@dataclass(frozen=True)
class Draft:
    """A drafted recipe.

    Attributes:
        model: Name of the model.
        yaml: Text of the recipe, with comments; recipe_file reads it.
        guesses: What was decided about each column, in the file's order.
        warnings: What the reader should look at.
    """

    model: str
    yaml: str
    guesses: list[Guess]
    warnings: list[str]


def draft(
    path: Path, target: str, time: str | None = None, entity: str | None = None, name: str | None = None
) -> Draft:
    """Draft a recipe from a CSV (or Parquet) file, which is read whole but never held.

    Args:
        path: The file.
        target: Column to predict.
        time: Column that says when a row happened.
        entity: Column that identifies whom or what a row is about.
        name: Name of the model; the file's name by default.

    Raises:
        DataError: The file cannot be read, or the target cannot be predicted.
        UserError: There is no such column, or the name is no name.
    """
    model = _model_name(path, name)
    survey = _Survey(path, target, time, entity)
    guesses, warnings = _guess(survey)
    features = [guess for guess in guesses.values() if guess.feature]
    if not features:
        reasons = "; ".join(f"'{guess.column}' {guess.why}" for guess in guesses.values() if guess.role == LEFT_OUT)
        raise DataError(f"No column of {path} can be a feature: {reasons}.", next_step="Add columns to predict from.")
    task, why = _task(survey.facts[target])
    text = DraftText(
        model=model,
        source=path.name,
        rows=survey.rows,
        task=task,
        task_why=why,
        guesses=list(guesses.values()),
        time_format=survey.time_format(),
        max_missing=_max_missing(survey, features),
    ).render()
    warnings += _self_check(path, text)
    return Draft(model, text, list(guesses.values()), warnings)


class _Survey:
    """One pass over the file: the facts of every column, the times' format, and some rows for the leak probe."""

    def __init__(self, path: Path, target: str, time: str | None, entity: str | None) -> None:
        reading = open_file(path)
        _refuse_errors(reading)
        for option, column in (("--target", target), ("--time", time), ("--entity", entity)):
            if column is not None and column not in reading.columns:
                columns = ", ".join(name for name in reading.columns if name)
                raise UserError(
                    f"{path} has no column '{column}' ({option}); it has {columns}.", next_step=f"Correct {option}."
                )
        if target in (time, entity):
            raise UserError(
                f"Column '{target}' cannot be the target and the {'time' if target == time else 'entity'} at once.",
                next_step="Name another column.",
            )
        self.target, self.time, self.entity = target, time, entity
        self.columns = [name for name in reading.columns if name]
        self.facts = {name: ColumnFacts(name) for name in self.columns}
        self.formats = {name: TimeFormat() for name in self.columns}
        self.rows = 0
        self._probe: list[pa.RecordBatch] = []
        probe_rows = 0
        for batch in reading.batches():
            self._add(batch.rows)
            if probe_rows < _PROBE_ROWS and batch.rows.num_rows:
                stride = math.ceil(batch.rows.num_rows / _PROBE_ROWS_PER_BATCH)
                chosen = batch.rows.take(pa.array(np.arange(0, batch.rows.num_rows, stride)))
                self._probe.append(chosen)
                probe_rows += chosen.num_rows
        _refuse_errors(reading)
        if not self.rows:
            raise DataError(f"{path} has a header and no rows.", next_step="Give a file with data.")

    def is_time(self, name: str) -> bool:
        """Whether every value of the column reads as a time."""
        return bool(self.formats[name].candidates)

    def time_format(self) -> str | None:
        """The likeliest format of the time column.

        Raises:
            DataError: No known format fits all of its values.
        """
        if self.time is None:
            return None
        if not self.is_time(self.time):
            example = self.facts[self.time].some_values[:1] or [self.facts[self.time].not_number]
            raise DataError(
                f"Column '{self.time}' does not hold times in one format this kit knows, such as {example[0]}.",
                next_step="Leave --time out, or write the times as ISO 8601 (2011-01-31 or 2011-01-31T13:45:00Z).",
            )
        return self.formats[self.time].candidates[0]

    def numbers_of(self, name: str) -> NDArray[np.float64]:
        """The probe's values of a numeric column; NaN where missing."""
        chunks = [numbers(batch.column(name)).values for batch in self._probe]
        return np.concatenate([np.asarray(chunk.to_numpy(zero_copy_only=False), dtype=np.float64) for chunk in chunks])

    def codes_of(self, name: str) -> NDArray[np.float64]:
        """The probe's values of a text column, numbered; NaN where missing."""
        texts = pa.chunked_array([labels(batch.column(name)).values for batch in self._probe], pa.string())
        codes = texts.combine_chunks().dictionary_encode().indices.cast(pa.float64())
        return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.float64)

    def _add(self, rows: pa.RecordBatch) -> None:
        self.rows += rows.num_rows
        for name in self.columns:
            column = rows.column(name)
            self.facts[name].add(column)
            # Only the time column's format is needed to the last row; others are only ever left out for being times.
            if name == self.time or self.rows == rows.num_rows:
                self.formats[name].add(column if name == self.time else column.slice(0, 1000))


def _refuse_errors(reading: Reading) -> None:
    errors = [finding.sentence for finding in reading.findings if finding.severity == "error"]
    if errors:
        raise DataError(f"{reading.path} cannot be read: {'; '.join(errors)}.", next_step="Correct the file.")


def _model_name(path: Path, name: str | None) -> str:
    model = name or re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-").lstrip("0123456789-")[:31].rstrip("-")
    if not re.fullmatch(MODEL_PATTERN, model):
        raise UserError(
            f"'{model}' cannot be the name of a model; it has to match {MODEL_PATTERN}.",
            next_step="Give a short lower-case name with --name.",
        )
    return model


def _task(facts: ColumnFacts) -> tuple[str, str]:
    """Task and the reason.

    Raises:
        DataError: The target has one value only, or more texts than there can be classes.
    """
    if not facts.values:
        raise DataError(f"Target '{facts.name}' is empty.", next_step="Choose another --target.")
    distinct = len(facts.distinct) if facts.distinct is not None else None
    if distinct == 1:
        raise DataError(
            f"Target '{facts.name}' is {shown(facts.some_values[0])} in every row, so there is nothing to learn.",
            next_step="Choose another --target, or give a file with rows that differ.",
        )
    values = ", ".join(shown(value) for value in facts.some_values[:5])
    if distinct == 2:
        return "binary", f"the target holds two values: {values}"
    if facts.is_number and not _are_grades(facts, distinct):
        return "regression", f"the target holds {'many' if distinct is None else distinct} different numbers"
    if distinct is None:
        raise DataError(
            f"Target '{facts.name}' holds more than {MAX_DISTINCT} different texts, such as {facts.not_number}.",
            next_step="Choose a numeric target, or one with few classes.",
        )
    return "multiclass", f"the target holds {distinct} classes: {values}"


def _are_grades(facts: ColumnFacts, distinct: int | None) -> bool:
    """Few whole numbers from 0 or 1 on without a gap: class numbers rather than amounts."""
    return (
        facts.is_integer
        and distinct is not None
        and distinct <= _FEW_CLASSES
        and facts.min in (0, 1)
        and facts.max - facts.min + 1 == distinct
    )


def _guess(survey: _Survey) -> tuple[dict[str, Guess], list[str]]:
    """A guess for each column, in the file's order, and what leaks have to be looked at."""
    guesses = {}
    for name in survey.columns:
        if name == survey.target:
            guesses[name] = Guess(name, "target", "named by --target")
        elif name == survey.time:
            guesses[name] = Guess(name, "event_time", f"named by --time; its format is {survey.time_format()}")
        elif name == survey.entity:
            guesses[name] = Guess(name, "entity", "named by --entity")
        else:
            guesses[name] = guess_feature(survey.facts[name], is_time=survey.is_time(name))
    return guesses, _leave_leaks_out(survey, guesses)


def _leave_leaks_out(survey: _Survey, guesses: dict[str, Guess]) -> list[str]:
    warnings = []
    task, _ = _task(survey.facts[survey.target])
    is_number = survey.facts[survey.target].is_number
    answer = survey.numbers_of(survey.target) if is_number else survey.codes_of(survey.target)
    columns = {
        name: survey.codes_of(name) if guess.role == "category" else survey.numbers_of(name)
        for name, guess in guesses.items()
        if guess.feature and (guess.role == "category" or survey.facts[name].is_number)
    }
    numeric = {name: values for name, values in columns.items() if guesses[name].role != "category"}
    while leak := exact_combination(numeric, answer) if is_number else []:
        combination = " and ".join(f"'{name}'" for name in leak)
        verb = "gives" if len(leak) == 1 else "together give"
        warnings.append(f"{combination} {verb} the target '{survey.target}' exactly, so left out: a leak")
        for name in leak:
            why = f"leaks the target: {combination} {verb} '{survey.target}' exactly"
            guesses[name] = Guess(name, LEFT_OUT, why)
            del numeric[name], columns[name]
    if task == "multiclass":
        return warnings  # the numbers of classes are no amounts: nothing to explain by variance
    for name, values in columns.items():
        share = share_explained(values, answer)
        if share >= NEARLY_PERFECT:
            warnings.append(
                f"'{name}' alone explains {share:.1%} of the target '{survey.target}': a leak, if it is not known "
                f"before the target is"
            )
    return warnings


def _max_missing(survey: _Survey, features: list[Guess]) -> float:
    """The default, or what the most incomplete column needs with a quarter to spare."""
    used = [guess.column for guess in features] + [survey.target, *filter(None, (survey.time, survey.entity))]
    most = max(survey.facts[name].missing_share for name in used)
    default = float(Validation().max_missing)
    return default if most * 1.25 <= default else min(1.0, math.ceil(most * 125) / 100)


def _self_check(path: Path, text: str) -> list[str]:
    """Whether the file passes its own recipe; what does not is for the reader to decide."""
    recipe = recipe_file.parse(text.encode(), "the draft")
    verdict = check_file(path, recipe, lambda rows: None)  # noqa: ARG005 only the verdict is wanted
    return [f"the file itself would go to quarantine: {finding.sentence}" for finding in verdict.errors]
