"""Whatever an unpickler would call is found: against the real ones, in C and in Python, from bytes and from a file."""

import contextlib
import copyreg
import io
import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comal.pickle_opcodes import CALLING_PICKLE, PICKLE, pickle_in

MODULES = ("posix", "__builtin__")


def found(data: bytes) -> str | None:
    return pickle_in(data, iter(range(100_000)))


class Recorder(type):
    """Of a class that notes on its unpickler whatever an opcode does to it."""

    calls = 0

    def record(cls, *_: object, **__: object) -> object:
        Recorder.calls += 1
        return cls

    __call__ = __setitem__ = __setstate__ = append = extend = add = record


class Imported(metaclass=Recorder):
    def __new__(cls, *_: object, **__: object) -> type:
        Recorder.calls += 1
        return Imported


def find_class(_: object, module: str, name: str) -> object:
    if module not in MODULES or name != "system":
        raise ImportError(module)
    return Imported


C_UNPICKLER = type("CUnpickler", (pickle.Unpickler,), {"find_class": find_class})
PYTHON_UNPICKLER = type("PythonUnpickler", (pickle._Unpickler,), {"find_class": find_class})


def loads(data: bytes) -> None:
    """Through memory, where C sees all bytes at once, and through files, which C reads piece by piece."""
    for unpickler in (C_UNPICKLER, PYTHON_UNPICKLER):
        for file in (io.BytesIO(data), io.BufferedReader(io.BytesIO(data))):
            with contextlib.suppress(Exception):  # what is tried is seldom a whole pickle
                while True:
                    unpickler(file, buffers=iter([b"", bytearray()])).load()


@pytest.fixture(autouse=True, scope="module")
def extension():
    copyreg.add_extension("posix", "system", 1)
    yield
    copyreg.remove_extension("posix", "system", 1)


JUNK = [
    b"",
    b"\0",
    b"\0x",
    b"0",
    b"01",
    b"0x1f",
    b"+3",
    b" 5",
    b"\t6",
    b"\x0b7",
    b"7L",
    b"L",
    b"1_0",
    b"1.5",
    b"nan",
    b"-Inf",
]
JUNK += [
    b".5",
    b"'a'",
    b'"b"',
    b"'\\x41'",
    b"''",
    b"posix",
    b"system",
    b"\\u0041",
    b"\xff",
    b"1\0junk",
    b"1\r",
    b"0b1",
    b"'\\'",
]
LINES = [letter + junk + b"\n" for letter in (b"I", b"L", b"F", b"S", b"V", b"P", b"g", b"p") for junk in JUNK]
COUNTED = [
    opcode + len(junk).to_bytes(width, "little") + junk
    for opcode, width in zip(
        b"\x8a \x8b U T C B X \x8c \x8d \x8e \x96 \x95".split(), (1, 4, 1, 4, 1, 4, 4, 1, 8, 8, 8, 8), strict=True
    )
    for junk in JUNK
]
FIXED = [b"K\1", b"M\1\2", b"J\1\2\3\4", b"G12345678", b"q\1", b"h\1", b"r\1\0\0\0", b"j\1\0\0\0", b"\x80\4", b"\x80\7"]
BARE = [
    bytes([code]) for code in b"()]}NtldeRbo0123asuQ.\n \x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98\xff"
]
IMPORTS = [b"cposix\nsystem\n", b"c__builtin__\nsystem\n", b"cre\na b\n", b"\x82\1", b"\x83\1\0", b"\x84\1\0\0\0"]
IMPORTS += [b"\x8c\5posix\x8c\6system\x93", b"(iposix\nsystem\n"]
CALLS = [
    b"(VX\ntR",
    b"VX\nR",
    b")\x81",
    b")}\x92",
    b"Nb",
    b"VX\na",
    b"(VX\ne",
    b"VX\nVX\ns",
    b"(VX\nVX\nu",
    b"(VX\n\x90",
    b"p1\n0(g1\no",
]
OPCODES = st.sampled_from(LINES) | st.sampled_from(COUNTED) | st.sampled_from(FIXED + BARE) | st.sampled_from(IMPORTS)
PICKLES = st.builds(
    lambda before, imported, called: b"".join([*before, imported, called]),
    st.lists(OPCODES, max_size=6),
    st.sampled_from(IMPORTS),
    st.sampled_from(CALLS),
)


@given(PICKLES)
@example(b"I\0\n0cposix\nsystem\n(VX\ntR")
@example(b"cposix\nsystem\nVX\na")
@example(b"cposix\nsystem\nVX\nVX\ns")
@example(b"(VX\niposix\nsystemX")
@example(b"(VX\niposix\nsystem(")
@example(b"\x95\2\0\0\0\0\0\0\0Ix5\ncposix\nsystem\nVX\nR")
@example(b"\x95\4\0\0\0\0\0\0\0N.\xff\xffcposix\nsystem\nVX\nR")
def test_what_a_real_unpickler_calls_is_found(data):
    Recorder.calls = 0
    loads(data)
    if Recorder.calls:
        assert found(data) == CALLING_PICKLE


@pytest.mark.parametrize("imported", IMPORTS[3:])
@pytest.mark.parametrize("called", CALLS)
def test_each_way_to_call_each_import_is_found(imported, called):
    assert found(imported + called) == CALLING_PICKLE


@pytest.mark.parametrize(
    "data",
    [
        b"csys\n__dict__\nVappend\ncos\nsystem\nscos\nsys\nVecho hi\na",
        b"cnumpy\ntypecodes\nVappend\ncpandas\nread_pickle\ns",
        b"cshop\nrun\ncshop\n__dict__\nb",
        b"cshop\nrun\n(Vwhoami\ntR",
        b"cshop\nrun\nVx\nR",
    ],
)
def test_code_that_letters_alone_reach_is_found_though_words_one_a_line_are_let_through(data):
    assert found(data) == CALLING_PICKLE


def test_behind_a_pickle_of_data_one_that_calls_is_what_is_told():
    assert found(pickle.dumps([1])) == PICKLE
    assert found(pickle.dumps([1]) + pickle.dumps(copyreg.pickle)) == CALLING_PICKLE


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_data_in_frames_and_with_a_memo_calls_nothing(protocol):
    shared = ["text" * 40_000, {"a": (1, 2.5)}]
    assert found(pickle.dumps([shared, shared, 2**100], protocol)) == (PICKLE if protocol > 1 else None)
