"""Deletes resources: dependents first, independent ones side by side; what is interrupted is deleted next time."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial

from localcloud.engine.deletion import deletion_graph, deletion_order
from localcloud.engine.deployment import Deployment
from localcloud.engine.errors import EngineError
from localcloud.engine.plan import replaces
from localcloud.engine.state import Record

_PARALLEL = 8


class Removal:
    """Deletes on behalf of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def remove_all_but(self, wanted: set[str]) -> None:
        """Delete what the program does not want: resources, what was replaced, what a kill left half made.

        Args:
            wanted: URNs that the program has.

        Raises:
            EngineError: One is protected, and nothing is deleted; or one could not be deleted, and what it
                depends on stays.
        """
        state = self._deployment.state
        resources = [record for urn, record in state.resources.items() if urn not in wanted]
        _refuse_protected(resources)
        begun = [record for urn, record in state.pending.items() if urn not in wanted and urn not in state.resources]
        work: list[tuple[Record, Callable[[Record], None]]] = [
            *((record, self.delete) for record in resources),
            *((record, self._delete_replaced) for record in state.replaced),
            *((record, self.delete_begun) for record in begun),
        ]
        self._carry_out(work)

    def delete(self, record: Record) -> None:
        """Delete one resource and forget it. A component is only forgotten, as is what shall be retained."""
        deployment = self._deployment
        if record.is_managed:
            if record.retain:
                deployment.report("forget", record)
            elif deployment.planned:
                deployment.report("delete", record)
            else:
                with deployment.lock:
                    deployment.state.pending[record.urn] = replace(record, operation="delete")
                    deployment.save()
                self._delete_from_aws(record)
        with deployment.lock:
            deployment.state.resources.pop(record.urn, None)
            deployment.state.pending.pop(record.urn, None)
            deployment.save()

    def delete_begun(self, record: Record) -> None:
        """Delete what a killed `create` may have left."""
        deployment = self._deployment
        if record.operation == "create" and record.is_managed and not deployment.planned:
            manage = deployment.manage(record)
            delete = partial(manage.delete_pending, record.inputs, others=deployment.others(record))
            deployment.run_step("delete", record, (), delete)
        with deployment.lock:
            deployment.state.pending.pop(record.urn, None)
            deployment.save()

    def make_room(self, old: Record, *, delete_first: bool) -> None:
        """Take a resource out of the way of its replacement, now or at the end."""
        deployment = self._deployment
        if delete_first:
            dependents = self._dependents_to_replace(old)
            _refuse_protected(dependents)
            for record in deletion_order([old, *dependents]):
                self.delete(record)
            return
        with deployment.lock:
            deployment.state.replaced.append(deployment.state.resources.pop(old.urn))
            deployment.save()

    def _delete_replaced(self, record: Record) -> None:
        deployment = self._deployment
        if deployment.planned:
            return
        if record.retain:
            deployment.report("forget", record)
        else:
            self._delete_from_aws(record)
        with deployment.lock:
            deployment.state.replaced.remove(record)
            deployment.save()

    def _delete_from_aws(self, record: Record) -> None:
        manage = self._deployment.manage(record)
        delete = partial(manage.delete, record.id, record.inputs, record.outputs)
        self._deployment.run_step("delete", record, (), delete)

    def _carry_out(self, work: list[tuple[Record, Callable[[Record], None]]]) -> None:
        """Each deletion as soon as those of its dependents are done."""
        graph = deletion_graph([record for record, _ in work])
        failure: EngineError | None = None
        executor = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="removal")
        try:
            under_way: dict[Future[None], int] = {}
            while graph.is_active():
                for index in graph.get_ready():
                    record, delete = work[index]
                    under_way[executor.submit(delete, record)] = index
                if not under_way:
                    break  # What is left waits for one that failed.
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    index = under_way.pop(future)
                    try:
                        future.result()
                        graph.done(index)
                    except EngineError as error:
                        failure = failure or error
        finally:
            # After Ctrl-C, too: what is under way is finished and written down.
            executor.shutdown(wait=True, cancel_futures=True)
        if failure:
            raise failure

    def _dependents_to_replace(self, old: Record) -> list[Record]:
        """Resources that cannot stay while another is gone: they refer to it by an input that cannot be changed."""
        found: dict[str, Record] = {}
        queue = [old.urn]
        with self._deployment.lock:
            records = list(self._deployment.state.resources.values())
        while queue:
            urn = queue.pop()
            for record in records:
                inputs = {key for key, urns in record.property_dependencies.items() if urn in urns}
                if record.is_managed and record.urn not in found and inputs and replaces(record.type, inputs):
                    found[record.urn] = record
                    queue.append(record.urn)
        return list(found.values())


def _refuse_protected(records: Iterable[Record]) -> None:
    protected = sorted(record.name for record in records if record.protect)
    if protected:
        raise EngineError(f"{', '.join(protected)} is protected.", "Take `protect` off and run `up` first, or keep it.")
