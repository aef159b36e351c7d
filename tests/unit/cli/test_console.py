"""Tables of any width of terminal."""

import pytest

from comal.cli import console

COLUMNS = ("version", "approval", "created", "why")
ROWS = [(2, "Approved", "2026-11-29 18:33", "no worse than the champion"), (1, None, "2026-11-28 18:33", "[first]")]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def at(width: int, **options: object) -> str:
        monkeypatch.setattr(console.out, "width", width)
        console.print_table(COLUMNS, ROWS, **options)
        return capsys.readouterr().out

    return at


def test_a_row_is_a_line_where_there_is_room(printed) -> None:
    lines = printed(100).splitlines()
    assert [line.split()[0] for line in lines] == ["version", "2", "1"]
    assert "[first]" in lines[2]
    assert "–" in lines[2]


@pytest.mark.parametrize("width", range(20, 80))
def test_no_word_is_broken_however_narrow_the_terminal(printed, width: int) -> None:
    words = printed(width, title="versions").split()
    assert {"2026-11-29", "18:33", "Approved", "champion", "[first]"} <= set(words)
    assert words[0] == "versions"


def test_a_table_that_does_not_fit_is_printed_row_by_row(printed) -> None:
    blocks = printed(30).rstrip().split("\n\n")
    assert [block.split()[:2] for block in blocks] == [["version", "2"], ["version", "1"]]
    assert all(len(line.rstrip()) <= 30 for block in blocks for line in block.splitlines())


def test_no_rows_are_a_header(printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.cli.test_console.ROWS", [])
    assert printed(100).split() == list(COLUMNS)
