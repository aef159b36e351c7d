"""What a recipe's key should have held, in words, from pydantic's account of what it held instead."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from comal.recipe import Recipe
from comal.recipe_columns import BooleanFeature, CategoryFeature, IntegerFeature, NumberFeature

FEATURE_TYPES: dict[str, type[BaseModel]] = {
    "integer": IntegerFeature,
    "number": NumberFeature,
    "boolean": BooleanFeature,
    "category": CategoryFeature,
}

_UNITS = {"minutes": "minutes", "days": "days", "gb": "GB", "mb": "MB"}
_TYPES = {
    "string_type": "text; put it in quotes",
    "dict_type": "keys of its own, indented below it",
    "model_type": "keys of its own, indented below it",
    "model_attributes_type": "keys of its own, indented below it",
    "list_type": "a list such as [a, b]",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number, neither infinite nor NaN",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True)
class Expectation:
    """In words; `known_keys` are the keys that the section has."""

    text: str
    known_keys: tuple[str, ...] = ()


def expectation(detail: ErrorDetails, path: tuple[str | int, ...]) -> Expectation:
    """What one pydantic error says was expected at a key path of the file."""
    section = _section(detail)
    known = tuple(section.model_fields) if section else ()
    return Expectation(_words(detail, path, section), known)


def _words(detail: ErrorDetails, path: tuple[str | int, ...], section: type[BaseModel] | None) -> str:
    kind = detail["type"]
    context: dict[str, Any] = detail.get("ctx", {})
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return "integer, number, boolean or category"
    if kind == "missing":
        field = section.model_fields.get(str(path[-1])) if section else None
        return _sentence(field.description) if field and field.description else "a value"
    if kind == "literal_error":
        return str(context["expected"])
    if kind == "string_pattern_mismatch":
        return f"text that matches {context['pattern']}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("too_short", "string_too_short"):
        return "at least one" if kind == "too_short" else "text that is not empty"
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"a number{_unit(path)} {words} {context[key]:g}"
    if "params" in path[:-1]:
        return "a number, a text, or true/false"
    if kind in ("int_type", "int_from_float", "float_type"):
        unit = _unit(path)
        return f"{_TYPES[kind]}{unit}, without the unit" if unit else _TYPES[kind]
    return _TYPES.get(kind, detail["msg"])


def _sentence(description: str) -> str:
    """A field's description, to follow `expected`."""
    text = description.rstrip(".")
    return text[0].lower() + text[1:]


def _unit(path: tuple[str | int, ...]) -> str:
    """` of minutes` for max_runtime_minutes: the unit is in the key."""
    unit = _UNITS.get(str(path[-1]).rsplit("_", 1)[-1]) if path else None
    return f" of {unit}" if unit else ""


def _section(detail: ErrorDetails) -> type[BaseModel] | None:
    """The model whose field pydantic complains about."""
    location = detail["loc"][:-1]
    section: type[BaseModel] = Recipe
    position = 0
    while position < len(location):
        part = location[position]
        if section is Recipe and part == "features":
            if len(location) < position + 3:
                return None
            return FEATURE_TYPES.get(str(location[position + 2]))
        field = section.model_fields.get(str(part))
        inner = _model_of(field.annotation) if field else None
        if inner is None:
            return None
        section = inner
        position += 1
    return section


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
