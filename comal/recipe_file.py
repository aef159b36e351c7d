"""Reading recipes: every mistake is found at once, each with file, line, key, what was found and what was expected."""

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from comal.errors import RecipeError
from comal.own_fit import source_of
from comal.recipe import Recipe
from comal.recipe_expectation import expectation
from comal.recipe_yaml import Document, KeyPath, Mistake, read_document

_NEXT_STEP = "Correct it, then run: comal recipe check"


def load(path: Path) -> Recipe:
    """Read one recipe.

    Raises:
        RecipeError: All mistakes of the file, a line each, such as `tacos.yaml:7: task: found …, expected …`; or the
            team's own fit that it names, a path in the clone that holds the folder of recipes, cannot be one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecipeError(
            f"{path}: cannot be read: {error.strerror}.", next_step="Check the path and its permissions."
        ) from error
    recipe = parse(content, str(path))
    source_of(recipe, path.resolve().parent.parent)
    return recipe


def parse(content: bytes, source: str) -> Recipe:
    """Read a recipe from bytes; `source` is what errors call the file.

    Raises:
        RecipeError: As for `load`.
    """
    document = read_document(content)
    recipe = None
    mistakes = list(document.mistakes)
    if isinstance(document.value, dict):
        try:
            recipe = Recipe.model_validate(document.value, strict=True)
        except ValidationError as error:
            mistakes.extend(_mistakes(error, document))
    if recipe is None or mistakes:
        lines = [f"{source}:{mistake.line}: {mistake.text}." for mistake in sorted(mistakes, key=lambda m: m.line)]
        raise RecipeError("\n".join(lines), next_step=_NEXT_STEP)
    return recipe


def load_folder(folder: Path) -> dict[Path, Recipe]:
    """Read every recipe of a folder, in the order of their names.

    Raises:
        RecipeError: The mistakes of all files; two recipes of one model; a recipe ending in `.yml`.
    """
    problems = [f"{path}:1: found the ending .yml, expected .yaml." for path in sorted(folder.glob("*.yml"))]
    recipes: dict[Path, Recipe] = {}
    first_of: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            recipe = load(path)
        except RecipeError as error:
            problems.append(error.message)
            continue
        if recipe.model in first_of:
            problems.append(f"{path}:1: model: '{recipe.model}' is described by {first_of[recipe.model]} already.")
            continue
        first_of[recipe.model] = path
        recipes[path] = recipe
    if problems:
        raise RecipeError("\n".join(problems), next_step=_NEXT_STEP)
    return recipes


def _mistakes(error: ValidationError, document: Document) -> Iterator[Mistake]:
    """One mistake a key; where a value fits none of several types, pydantic reports each of them."""
    seen: set[KeyPath] = set()
    for detail in error.errors(include_url=False):
        path = _path_in_file(detail["loc"], document.value)
        if detail["type"] == "contradiction":
            path = (*path, *_split(str(detail["ctx"]["key"]), document, path))
        if path in seen:
            continue
        seen.add(path)
        yield Mistake(document.line_of(path), _text(detail, path, document))


def _path_in_file(location: tuple[int | str, ...], value: Any) -> KeyPath:
    """A pydantic location without the names of the union members that pydantic puts between keys."""
    path: list[str | int] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(value, dict):
            if part in value:
                value = value[part]
            elif not last or part in ("integer", "number", "boolean", "category"):
                continue
            path.append(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path.append(part)
            value = value[part]
    return tuple(path)


def _split(key: str, document: Document, base: KeyPath) -> KeyPath:
    """A dotted key as a path; a column's own name may hold dots."""
    head, _, rest = key.partition(".")
    whole = (*base, head, rest) if rest else (*base, head)
    return whole[len(base) :] if whole in document.lines else (head,)


def _text(detail: ErrorDetails, path: KeyPath, document: Document) -> str:
    where = ".".join(str(part) for part in path)
    kind = detail["type"]
    if kind == "contradiction":
        return f"{where}: {detail['ctx']['reason']}"
    expected = expectation(detail, path)
    if kind == "extra_forbidden":
        return f"{where}: unknown key{_nearest(str(path[-1]), expected.known_keys)}"
    if kind == "union_tag_invalid":
        return f"{where}.type: found '{detail['ctx']['tag']}', expected {expected.text}"
    if kind in ("missing", "union_tag_not_found"):
        missing = where if kind == "missing" else f"{where}.type"
        return f"{missing}: the key is missing; expected {expected.text}"
    found = detail["input"]
    return f"{where}: found {_shown(found, document.texts.get(path))}, expected {expected.text}"


def _nearest(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean '{near[0]}'"
    return f"; expected one of {', '.join(known)}"


def _shown(value: Any, text: str | None) -> str:
    """A found value as the reader wrote it, shortened."""
    if text is not None:
        written = "nothing" if value is None else repr(text) if isinstance(value, str) else text
    elif isinstance(value, dict):
        written = f"keys ({', '.join(map(str, value))})" if value else "no keys"
    elif isinstance(value, list):
        written = f"a list of {len(value)}"
    else:
        written = json.dumps(value, default=str)
    return written if len(written) <= 80 else written[:77] + "…"
