"""A run's documents that are damaged or gone: each is named, with what is wrong and what to do."""

import pytest

from comal import s3_layout
from comal.cli.documents import DamagedDocumentError
from comal.cli.lineages import lineage_of, recipe_of
from comal.cli.records import record_of
from comal.errors import UserError

VERSION = {"version": 1, "run_id": "r1"}
KEYS = {
    record_of: s3_layout.run_record_key("tacos", "r1", "run.json"),
    lineage_of: s3_layout.run_lineage_key("tacos", "r1"),
    recipe_of: s3_layout.run_recipe_prefix("tacos", "r1") + "recipe.json",
}


@pytest.fixture
def target(account):
    account.target.client("s3").create_bucket(Bucket=account.target.names.bucket("models"))
    return account.target


@pytest.mark.parametrize("read", KEYS)
@pytest.mark.parametrize(
    ("content", "told"), [(b"", "Invalid JSON"), (b"{", "Invalid JSON"), (b"{}", "Field required")]
)
def test_a_damaged_document_is_named_with_what_is_wrong_and_what_to_do(target, read, content, told):
    bucket = target.names.bucket("models")
    target.client("s3").put_object(Bucket=bucket, Key=KEYS[read], Body=content)
    with pytest.raises(DamagedDocumentError, match=f"s3://{bucket}/{KEYS[read]} is no .* any more: .*{told}") as caught:
        read(target, "tacos", VERSION)
    assert caught.value.next_step == "Restore an older version of that object."


@pytest.mark.parametrize("read", [lineage_of, recipe_of])
def test_a_deleted_document_is_named(target, read):
    with pytest.raises(UserError, match=f"{KEYS[read]},? was deleted"):
        read(target, "tacos", VERSION)


def test_a_run_without_a_record_has_none(target):
    assert record_of(target, "tacos", VERSION) is None
