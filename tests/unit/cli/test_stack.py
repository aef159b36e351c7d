"""Stacks that the Pulumi CLI runs, with a `pulumi` that records what it is asked."""

import pytest


@pytest.fixture
def pulumi(tmp_path, monkeypatch):
    """A `pulumi` on the PATH that writes its arguments to a file and ends with the code in another."""
    folder = tmp_path / "bin"
    folder.mkdir()
    said = tmp_path / "arguments"
    code = tmp_path / "code"
    code.write_text("0")
    program = folder / "pulumi"
    program.write_text(f'#!/bin/sh\necho "$@" > {said}\nexit $(cat {code})\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return said, code


@pytest.fixture
def no_pulumi(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize("command", ["preview", "up", "refresh"])
def test_another_stack_than_local_goes_to_the_pulumi_cli(command, comal, clone, pulumi):
    said, _ = pulumi
    assert comal(command, "-s", "dev").exit_code == 0
    assert said.read_text().strip() == f"{command} --stack dev --cwd {clone}"


def test_yes_and_json_are_passed_on(comal, clone, pulumi):
    said, _ = pulumi
    comal("up", "-s", "dev", "--yes", "--json")
    assert said.read_text().startswith("up --yes --json --stack dev")


def test_outputs_are_the_pulumi_clis_stack_output(comal, clone, pulumi):
    said, _ = pulumi
    comal("outputs", "-s", "dev", "--json")
    assert said.read_text().startswith("stack output --json --stack dev")


def test_a_pulumi_that_fails_is_exit_code_1(comal, clone, pulumi):
    _, code = pulumi
    code.write_text("255")
    assert comal("up", "-s", "dev").exit_code == 1


def test_without_the_pulumi_cli_the_error_says_how_to_install_it(comal, clone, no_pulumi):
    result = comal("up", "-s", "dev")
    assert result.exit_code == 1
    assert "pulumi.com/docs/iac/download-install" in result.stderr


def test_destroy_without_anybody_to_ask_wants_yes(comal, clone, pulumi):
    said, _ = pulumi
    result = comal("destroy", "-s", "dev")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not said.exists()


def test_a_stack_without_a_file_is_refused(comal, clone, pulumi):
    assert comal("up", "-s", "staging").exit_code == 2
