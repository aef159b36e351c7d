"""In which order resources are deleted: what depends on another one goes before it."""

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter

from localcloud.engine.state import Record


def deletion_graph(records: Sequence[Record]) -> "TopologicalSorter[int]":
    """Indexes of records; one is ready when those that depend on it are done.

    Two generations of one resource may both be among them.
    """
    by_urn: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        by_urn.setdefault(record.urn, []).append(index)
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(len(records)), ()))
    for index, record in enumerate(records):
        for urn in record.dependencies:
            for other in by_urn.get(urn, ()) if urn != record.urn else ():
                sorter.add(other, index)
    sorter.prepare()
    return sorter


def deletion_order(records: Iterable[Record]) -> list[Record]:
    """Records, dependents first."""
    listed = list(records)
    graph = deletion_graph(listed)
    order: list[Record] = []
    while graph.is_active():
        ready = graph.get_ready()
        order.extend(listed[index] for index in ready)
        graph.done(*ready)
    return order
