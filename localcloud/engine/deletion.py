"""In which order resources are deleted: what depends on another one goes before it."""

from collections.abc import Iterable
from graphlib import TopologicalSorter

from localcloud.engine.state import Record


def deletion_order(records: Iterable[Record]) -> list[Record]:
    """Records, dependents first. Two generations of one resource may both be among them."""
    listed = list(records)
    by_urn: dict[str, list[int]] = {}
    for index, record in enumerate(listed):
        by_urn.setdefault(record.urn, []).append(index)
    graph = {
        index: [other for urn in record.dependencies if urn != record.urn for other in by_urn.get(urn, ())]
        for index, record in enumerate(listed)
    }
    return [listed[index] for index in reversed(list(TopologicalSorter(graph).static_order()))]
