"""The YAML of a drafted recipe, with a comment behind every guess."""

from dataclasses import dataclass
from typing import Any

import yaml

from comal.column_guess import LEFT_OUT, Guess
from comal.recipe import Validation


@dataclass(frozen=True)
class DraftText:
    """What the recipe says; see Draft.

    Attributes:
        source: Name of the file it was drafted from.
        time_format: Format of the event time; None without one.
    """

    model: str
    source: str
    rows: int
    task: str
    task_why: str
    guesses: list[Guess]
    time_format: str | None
    max_missing: float

    def render(self) -> str:
        """The whole file."""
        lines = [
            f"# Drafted by `comal init` from {_comment(self.source)} ({self.rows} rows).",
            "# Each line says why; correct what you know better. `comal recipe schema` lists every other key.",
            f"model: {self.model}",
            f"task: {self.task}  # {_comment(self.task_why)}",
        ]
        lines += [f"target: {_scalar(guess.column)}" for guess in self._with_role("target")]
        lines += [f"entity: {_scalar(guess.column)}" for guess in self._with_role("entity")]
        for guess in self._with_role("event_time"):
            lines.append(f"event_time: {{column: {_scalar(guess.column)}, format: {_scalar(str(self.time_format))}}}")
        lines.append("features:")
        for guess in self.guesses:
            if guess.feature:
                lines.append(f"  {_scalar(guess.column)}: {_flow(guess.feature)}  # {_comment(guess.why)}")
            elif guess.role == LEFT_OUT:
                lines.append(f"  # {_comment(guess.column)} is left out: {_comment(guess.why)}")
        if self.max_missing != Validation().max_missing:
            lines.append(
                f"validation: {{max_missing: {self.max_missing:g}}}  # as incomplete as the file is, and a quarter"
            )
        return "\n".join(lines) + "\n"

    def _with_role(self, role: str) -> list[Guess]:
        return [guess for guess in self.guesses if guess.role == role]


def _flow(feature: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in feature.items()) + "}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(element) for element in value) + "]"
    if isinstance(value, float):
        return f"{value:.12g}" if float(f"{value:.12g}") == value else repr(value)
    return _scalar(value) if isinstance(value, str) else str(value)


def _scalar(text: str) -> str:
    """A text that YAML reads as this text: in quotes wherever it could be read as something else."""
    plain = text.replace("_", "").replace("-", "")
    if plain.isascii() and plain.isalnum() and text[0].isalpha() and yaml.safe_load(text) == text:
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return quoted.rstrip("\n")


def _comment(text: str) -> str:
    """A text on one line, without characters that YAML refuses even in comments."""
    return "".join(character if character.isprintable() else "�" for character in text)
