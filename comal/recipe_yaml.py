"""A recipe's YAML as plain values, with the line of every key: what lets an error name its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]

# A recipe is a page of text; a file beyond this is something else.
MAX_SIZE_BYTES = 1 << 20
_MAX_DEPTH = 20

# YAML 1.1, which PyYAML speaks, reads 1e6 as text because it has no dot.
_EXPONENT_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")


@dataclass(frozen=True)
class Mistake:
    """Something wrong at a line (1-based) of the file."""

    line: int
    text: str


@dataclass
class Document:
    """A parsed file.

    Attributes:
        value: Plain dictionaries, lists and scalars.
        lines: Line (1-based) of each key path, and the line of its value's text where that differs.
        texts: The scalar at a key path, as the file writes it.
        mistakes: Duplicate keys and keys that are no text.
    """

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line_of(self, path: KeyPath) -> int:
        """Line of a key, or of the nearest key above it that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_document(content: bytes) -> Document:
    """Parse a recipe's bytes. What cannot be parsed at all is one mistake, and the value is None."""
    document = Document()
    try:
        text = _decode(content)
        _refuse_excess(text)
        document.value = _value(_compose(text), (), document)
    except _NotARecipeError as error:
        document.mistakes.append(error.mistake)
    except yaml.MarkedYAMLError as error:
        document.mistakes.append(_syntax_mistake(error))
    except yaml.YAMLError as error:
        document.mistakes.append(Mistake(1, f"is not YAML: {str(error).splitlines()[0]}"))
    if document.mistakes:
        return document
    if not isinstance(document.value, dict):
        found = "a list" if isinstance(document.value, list) else "a single value"
        document.mistakes.append(Mistake(1, f"found {found}, expected `key: value` lines such as model: tacos"))
    return document


class _NotARecipeError(Exception):
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.mistake = Mistake(line, text)


def _decode(content: bytes) -> str:
    if len(content) > MAX_SIZE_BYTES:
        raise _NotARecipeError(1, f"found {len(content)} bytes, expected a recipe of at most {MAX_SIZE_BYTES}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _NotARecipeError(line, f"found byte 0x{content[error.start]:02x}, expected text in UTF-8") from None


def _compose(text: str) -> yaml.Node:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        raise _NotARecipeError(1, "the file is empty; expected the keys model, task, target and features")
    return node


def _syntax_mistake(error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or "cannot be parsed"
    if "'\\t'" in problem:
        problem = "found a tab; indent with spaces"
    elif "expected a single document" in (error.context or ""):
        problem = "found a second document after `---`; expected one recipe a file"
    return Mistake(line, f"is not YAML: {problem}")


def _refuse_excess(text: str) -> None:
    """Aliases can make a few lines expand to gigabytes, deep nesting takes quadratic time; a recipe needs neither."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _NotARecipeError(line, f"found {depth} levels of nesting, expected the three of a recipe")
        if isinstance(event, yaml.AliasEvent):
            raise _NotARecipeError(line, f"found the alias *{event.anchor}, expected the value itself, written out")


def _value(node: yaml.Node, path: KeyPath, document: Document) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return {key: _value(child, (*path, key), document) for key, child in _entries(node, path, document)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, index), document) for index, child in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)  # a node is one of three
    document.texts[path] = node.value
    return _scalar(node)


def _entries(node: yaml.MappingNode, path: KeyPath, document: Document) -> Iterator[tuple[str, yaml.Node]]:
    seen: dict[str, int] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            document.mistakes.append(Mistake(line, "found a key that is no plain text, expected a name"))
            continue
        # `on:` or `2011:` may well be a column: a key is its text, whatever YAML makes of it.
        key = key_node.value
        if key in seen:
            where = ".".join(str(part) for part in (*path, key))
            document.mistakes.append(Mistake(line, f"{where}: the key is there twice, first on line {seen[key]}"))
            continue
        seen[key] = line
        document.lines[(*path, key)] = line
        yield key, child


def _scalar(node: yaml.ScalarNode) -> Any:
    if node.style is None and _EXPONENT_NUMBER.fullmatch(node.value):
        return float(node.value)
    constructor = yaml.constructor.SafeConstructor()
    try:
        return constructor.construct_object(node)
    except ValueError:
        return node.value  # such as the date 2011-13-45: text, which the schema will judge
