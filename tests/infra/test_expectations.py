"""The stacks are made of what is on record; after a wanted change: `python -m tests.infra.expectations`."""

import json

import pytest

from tests.infra.expectations import FOLDER, STACKS, describe
from tests.infra.program import evaluate


@pytest.mark.parametrize("name", STACKS)
def test_the_stack_is_made_of_what_is_on_record(name):
    expected = json.loads((FOLDER / f"{name}.json").read_text())
    assert describe(evaluate("dev", **STACKS[name])) == expected
