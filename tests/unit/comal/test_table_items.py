import pytest
from hypothesis import given
from hypothesis import strategies as st

from comal.table_items import from_item, to_attribute, to_item

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values))
def test_what_is_stored_comes_back(row: dict[str, object]) -> None:
    assert from_item(to_item(row)) == row


def test_a_type_that_no_table_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        to_attribute(1.5)
