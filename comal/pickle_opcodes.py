"""Whether bytes read as a pickle, and as one that imports and calls something; nothing is executed.

Unpickling runs opcode after opcode and stops at the first that it does not know, or that finds too little on the stack,
so what counts is whether an import with a call behind it is reached before. Arguments are skipped by their length
alone where a reader's own rules may be looser than they look: C's `strtol` reads a NUL as 0, Python's own unpickler
calls with the letters of a text. A call is also what an import is asked to do to itself: `append` and `[key] = value`
reach any code without a tuple or a mark, by letters and newlines alone.

Words one a line may read as imports, too: `cat` and `dog` name `dog` of the module `at`. Such imports fail and end it,
unless somebody has such a module. So what only such imports are on the stack of may be appended, set or built without
counting as a call. It counts once anything of the file's own is there, a module of Python's, a name with `__`, or
another opcode. What remains is a package that is not Python's and whose own objects, handed to each other, do harm.
https://docs.python.org/3/library/pickletools.html
https://github.com/python/cpython/blob/main/Modules/_pickle.c
"""

import enum
import pickletools
import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator

PICKLE = "is a pickle"
CALLING_PICKLE = "is a pickle that calls code when it is loaded"

_OPCODES = {opcode.code.encode("latin-1")[0]: opcode for opcode in pickletools.opcodes}
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
# How a pickle of a protocol that says its number begins; no text does so.
_PROTOCOL = re.compile(rb"\x80[\x02-\x05]")
_MARK = pickletools.markobject
# How an argument that is a line begins; most words and lines of a table do not so.
_NUMBER = re.compile(rb"\s*[-+0-9]")
# Two lines that say what to import, the last perhaps without a newline: Python's own unpickler cuts off what ends it.
_IMPORT = re.compile(rb"([^\n]+)\n[^\n]+(?:\n|\Z)")
# A module and its object as code names them. Other names may be there, but not with what does harm.
_NAMES = re.compile(rb"[^\s,;:\"'(){}\[\]<>=]+\n[^\s,;:\"'(){}\[\]<>=]+[\s\S]?")
_LINES = {
    "INT": re.compile(rb"\0|\s*[-+0-9]"),
    "LONG": _NUMBER,
    "FLOAT": re.compile(rb"\s*[-+0-9.ni]", re.IGNORECASE),
    "STRING": re.compile(rb"\s*['\"]"),
    "GET": _NUMBER,
    "PUT": _NUMBER,
    "GLOBAL": _IMPORT,
    "INST": _IMPORT,
}
_IMPORTS = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CHANGES = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"})
_CALLS = frozenset({"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE"}) | _CHANGES
# They note what is on top of the stack, which pickletools does not say that they need.
_NOTES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_NOTED = frozenset({"GET", "BINGET", "LONG_BINGET"})
# What they leave on the stack may be an import, as what imports leaves; what these leave is one if what they found was.
_FOREIGN = (_CALLS - {"INST"}) | _NOTED | {"PERSID", "BINPERSID"}
_SAME = _CHANGES | {"DUP", "MEMOIZE"}
# The opcodes of words that leave nothing on the stack but imports, and call none by itself.
_WORDS = frozenset({"GLOBAL", "APPEND", "SETITEM", "BUILD", "POP", "DUP"}) | _NOTES | _NOTED
_PYTHONS_OWN = sys.stdlib_module_names.union(IMPORT_MAPPING, (module for module, _ in NAME_MAPPING))


class _Entry(enum.Enum):
    """What is on the stack: a mark, what the file itself holds, or what may be an import."""

    MARK = enum.auto()
    DATA = enum.auto()
    FOREIGN = enum.auto()


def pickle_in(data: bytes, steps: Iterator[int]) -> str | None:
    """What these bytes are if they are a pickle, or several.

    Args:
        data: What may be a pickle.
        steps: One is taken for each opcode. When there is none left the bytes count as if they called code: looking at
            more would take long, and no file of numbers or text reads as so many.

    Returns:
        CALLING_PICKLE: Loading one would import something and call or change it, or give it back.
            So does what cuts a frame, as no pickler does: readers do not agree on what they read behind it.
        PICKLE: They begin as protocols 2 to 5 do and end as a pickle does. Protocols 0 and 1 read like text, so
            those that only hold data are let through.
        None: Neither.
    """
    unpickling, frame, position, start, found = _Unpickling(), _Frame(data), 0, 0, None
    while position < len(data):
        if next(steps, None) is None:
            return CALLING_PICKLE
        opcode = _OPCODES.get(data[position])
        if opcode is None:
            break
        after = _after(data, position + 1, opcode)
        if frame.is_cut(opcode, position, after):
            return CALLING_PICKLE
        line = _LINES.get(opcode.name)
        argument = line.match(data, position + 1) if line else None
        if line and not argument:
            break
        if not unpickling.move(opcode, argument):
            break
        if unpickling.called:
            return CALLING_PICKLE
        if after is None:
            break
        position = after
        if opcode.name == "STOP":
            found = found or (PICKLE if _PROTOCOL.match(data, start) else None)
            start = position
    return found


class _Frame:
    """Where the present frame ends.

    Of a frame that an argument crosses, or that STOP leaves before its end, C drops the rest when it reads a file, and
    goes on in it when it reads bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._end = 0

    def is_cut(self, opcode: pickletools.OpcodeInfo, position: int, after: int | None) -> bool:
        if after is None:
            return False
        is_frame = opcode.name == "FRAME"
        end = after + int.from_bytes(self._data[after - 8 : after], "little") if is_frame else after
        if position < self._end:
            return end > self._end or (opcode.name == "STOP" and end < self._end)
        if is_frame and end <= len(self._data):
            self._end = end
        return False


class _Unpickling:
    """What an unpickler has on its stack, as far as that says what it can still do."""

    def __init__(self) -> None:
        self.called = False
        self._stack: list[_Entry] = []
        self._noted = False
        self._imported = False
        self._only_words = True

    def move(self, opcode: pickletools.OpcodeInfo, argument: re.Match[bytes] | None) -> bool:
        """Does what an opcode does; False where it finds too little."""
        name = opcode.name
        if name in _NOTED and not self._noted:
            return False
        if name in _NOTES:
            self._noted = True
        taken = self._take(opcode)
        if taken is None:
            return False
        imports = name in _IMPORTS and (name not in _LINES or _names(argument))
        self._imported = self._imported or imports
        self._only_words = self._only_words and name in _WORDS and not (imports and _is_pythons_own(argument))
        # An import is called by its own opcode, or lies below what it is called with.
        called = name == "STOP" or (name == "INST" and imports) or (name in _CALLS and taken is _Entry.FOREIGN)
        self.called = self._imported and called and not self._only_words
        made = _Entry.FOREIGN if imports or name in _FOREIGN else _Entry.DATA
        left = taken if name in _SAME else made
        self._stack.extend(_Entry.MARK if what is _MARK else left for what in opcode.stack_after)
        if name == "MEMOIZE":
            self._noted = True
        elif name == "STOP":
            self._stack.clear()
        return True

    def _take(self, opcode: pickletools.OpcodeInfo) -> _Entry | None:
        """Takes what an opcode needs from the stack; the lowest but for marks, or None where there is too little."""
        stack, needed, lowest = self._stack, opcode.stack_before, _Entry.MARK
        if opcode.name in _NOTES:
            return stack[-1] if stack and stack[-1] is not _Entry.MARK else None
        if _MARK in needed:
            while stack and stack[-1] is not _Entry.MARK:
                lowest = stack.pop()
            needed = [_MARK, *needed[: needed.index(_MARK)]]
        elif opcode.name == "POP" and stack and stack[-1] is _Entry.MARK:
            needed = [_MARK]
        for wanted in needed:
            if not stack or (stack[-1] is _Entry.MARK) is not (wanted is _MARK):
                return None
            entry = stack.pop()
            if entry is not _Entry.MARK:
                lowest = entry
        return lowest


def _names(argument: re.Match[bytes] | None) -> bool:
    return argument is not None and _NAMES.fullmatch(argument[0]) is not None


def _is_pythons_own(argument: re.Match[bytes] | None) -> bool:
    """Whether what is imported is, or may hand out, something that Python itself has."""
    if argument is None:
        return True
    return b"__" in argument[0] or argument[1].split(b".")[0].decode("latin-1") in _PYTHONS_OWN


def _after(data: bytes, position: int, opcode: pickletools.OpcodeInfo) -> int | None:
    """Where the next opcode is; None where the argument is not complete."""
    if opcode.arg is None:
        return position
    size = opcode.arg.n
    if size >= 0:
        return position + size
    if size == pickletools.UP_TO_NEWLINE:
        for _ in range(2 if opcode.name in ("GLOBAL", "INST") else 1):
            position = data.find(b"\n", position) + 1
            if position == 0:
                return None
        return position
    width = _LENGTH_BYTES[size]
    return position + width + int.from_bytes(data[position : position + width], "little")
