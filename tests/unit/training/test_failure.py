import errno
from pathlib import Path

import pytest

from comal.errors import AlgorithmError, DataError, PlatformError
from training.failure import MAX_LENGTH, describe, write_failure


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("No rows.", next_step="Push some."), "User error: No rows. Push some."),
        (AlgorithmError("One class.", next_step="Push more."), "Algorithm error: One class. Push more."),
        (PlatformError("Disk."), "Platform error: Disk."),
        (MemoryError(), "Platform error: The instance ran out of memory. Choose a larger training.instance"),
        (OSError(errno.ENOSPC, "full"), "Platform error: The instance's disk is full. Raise training.volume_gb"),
    ],
)
def test_a_failure_says_whose_matter_it_is(error: Exception, sentence: str):
    assert describe(error).startswith(sentence)


def test_an_unforeseen_error_names_its_place_in_one_line():
    with pytest.raises(KeyError) as raised:
        {}["a\nb"]
    assert describe(raised.value).startswith("Platform error: Unexpected KeyError in test_failure.py, line ")
    assert "\n" not in describe(raised.value)


def test_a_failure_is_cut_where_sagemaker_cuts_it(tmp_path: Path):
    text = describe(DataError("x" * 5000))
    assert len(text) == MAX_LENGTH
    write_failure(tmp_path / "output" / "failure", text)
    assert (tmp_path / "output" / "failure").read_text() == text
