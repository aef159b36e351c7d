"""Whether bytes read as a pickle that imports or calls something; nothing is executed, and no value is interpreted.

Unpickling runs opcode after opcode and stops at the first that it does not know, or that finds too little on the stack,
so what counts is whether an import with a call behind it is reached before: the words of a text rarely leave on the
stack what the next of them needs. Values are skipped by their length alone: an unpickler reads some that a stricter
reader would trip over.
https://docs.python.org/3/library/pickletools.html
"""

import pickletools
import re
from collections.abc import Iterator

_OPCODES = {opcode.code.encode("latin-1")[0]: opcode for opcode in pickletools.opcodes}
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_IMPORTS = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CALLS = frozenset({"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD"})
_MARK = pickletools.markobject
# How an argument that is a line begins, or two that name what is imported; most words and lines of a table do not so.
_NUMBER = re.compile(rb"\s*[-+0-9]")
_NAMES = re.compile(rb"[^\s,;:\"'(){}\[\]<>=]+\n[^\s,;:\"'(){}\[\]<>=]+\n")
_LINES = {
    "INT": _NUMBER,
    "LONG": _NUMBER,
    "FLOAT": re.compile(rb"\s*[-+0-9.ni]", re.IGNORECASE),
    "STRING": re.compile(rb"\s*['\"]"),
    "GET": _NUMBER,
    "PUT": _NUMBER,
    "GLOBAL": _NAMES,
    "INST": _NAMES,
}
# They note what is on top of the stack, which pickletools does not say that they need.
_NOTES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


def runs_code(data: bytes, steps: Iterator[int]) -> bool:
    """Whether unpickling these bytes, or one of several pickles in them, would import something and call it.

    Args:
        data: What may be a pickle.
        steps: One is taken for each opcode. When there is none left the bytes count as if they ran code: looking at
            more would take long, and no file of numbers or text reads as so many.
    """
    position, imported = 0, False
    stack: list[bool] = []
    while position < len(data):
        if next(steps, None) is None:
            return True
        opcode = _OPCODES.get(data[position])
        if opcode is None:
            return False
        line = _LINES.get(opcode.name)
        if line is not None and not line.match(data, position + 1):
            return False
        if not _move(stack, opcode):
            return False
        if opcode.name == "STOP":
            if imported:
                return True
            stack.clear()
        imported = imported or opcode.name in _IMPORTS
        if imported and opcode.name in _CALLS:
            return True
        after = _after(data, position + 1, opcode)
        if after is None:
            return False
        position = after
    return False


def _move(stack: list[bool], opcode: pickletools.OpcodeInfo) -> bool:
    """Does to the stack what an opcode does; False where too little is on it. Its entries say which are marks."""
    needed = opcode.stack_before
    if opcode.name in _NOTES:
        return bool(stack) and not stack[-1]
    if _MARK in needed:
        while stack and not stack[-1]:
            stack.pop()
        needed = [_MARK, *needed[: needed.index(_MARK)]]
    elif opcode.name == "POP" and stack and stack[-1]:
        needed = [_MARK]
    for wanted in needed:
        if not stack or stack.pop() is not (wanted is _MARK):
            return False
    stack.extend(left is _MARK for left in opcode.stack_after)
    return True


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
