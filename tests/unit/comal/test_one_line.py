"""Text from outside, in one line that changes nothing but itself on a terminal."""

import pytest

from comal.one_line import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n  b\r\n\tc ", "a b c"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("\x9b2J\x07\x00", "2J"),
        ("left\u202eright\u2028next", "left right next"),
        ("byte \udcff", "byte"),
        ("señal – 30 % «ü» 漢字 🌮", "señal – 30 % «ü» 漢字 🌮"),
    ],
)
def test_what_is_not_printed_is_a_space(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_longer_line_is_cut_and_shows_it() -> None:
    assert one_line("a\n  b\n" + "c" * 400, limit=10) == "a b ccccc…"
