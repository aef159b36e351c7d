"""What `--help` says of every command."""

import re
from collections.abc import Iterator

import pytest
from typer.main import get_command

from comal.cli.main import app


def command_lines(group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from command_lines(command, (*prefix, name))
        else:
            yield (*prefix, name)


COMMANDS = list(command_lines(get_command(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_shows_an_example_of_it(command, comal):
    help_text = comal(*command, "--help").output
    assert "Examples:" in help_text
    assert re.search(rf"^\s*(comal {' '.join(command)}|make demo)\b", help_text.split("Examples:")[1], re.M)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_with_json_names_its_keys(command, comal):
    help_text = comal(*command, "--help").output
    assert ("--json" in help_text) == ("Keys of --json" in help_text)


def test_a_command_that_does_not_exist_is_an_input_error(comal):
    result = comal("pusch")
    assert result.exit_code == 2
    assert "push" in result.stderr


def test_no_arguments_show_the_help(comal):
    assert "Commands" in comal().output
