"""A clone with its local cloud, one per module."""

from collections.abc import Iterator

import pytest

from tests.e2e.clone import Clone, make_clone


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    fresh = make_clone(tmp_path_factory.mktemp("clone"))
    yield fresh
    fresh.comal("cloud", "stop")
