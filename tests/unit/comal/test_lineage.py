"""What differs between two runs."""

from comal.lineage import Input, Lineage, differences

SAME = {"model": "tacos", "recipe_sha256": "r", "code_sha256": "c", "libraries": {}, "seed": 7, "hardware": "local"}
MADE = {"run_id": "1", "created": "2026-11-29T00:00:00+00:00", "artifact_files": [], "artifact_sha256": "a"}


def lineage(*inputs: Input) -> Lineage:
    return Lineage.model_validate({**SAME, **MADE, "inputs": list(inputs)})


def test_a_file_that_only_one_run_used_is_not_called_gone() -> None:
    shared, old, new = (Input(key=key, sha256=key, rows=1) for key in ("shared", "old", "new"))
    found = list(differences(lineage(shared, old), lineage(shared, new), "version 4", "version 1"))
    assert found == ["input old went into version 4 only", "input new went into version 1 only"]


def test_the_same_file_with_other_rows_is_named() -> None:
    first, second = (Input(key="a.parquet", sha256=digest, rows=1) for digest in "xy")
    assert list(differences(lineage(first), lineage(second), "1", "2")) == [
        "input a.parquet holds other rows than then"
    ]


def test_nothing_differs_between_a_run_and_itself() -> None:
    same = lineage(Input(key="a.parquet", sha256="x", rows=1))
    assert list(differences(same, same, "1", "1")) == []
