"""Carries plans out against AWS and writes each step down before and after, so that a kill at any point is healed.

Used from several threads: independent resources are made side by side, the state has one lock.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.engine.aws import Aws
from localcloud.engine.deletion import deletion_order
from localcloud.engine.errors import EngineError
from localcloud.engine.plan import Plan, replaces
from localcloud.engine.state import Record, State, StateFile
from localcloud.engine.steps import OnStep, Operation, Step
from localcloud.engine.values import freeze

PROVIDER_PREFIX = "pulumi:providers:"


class Deployment:
    """One operation on one stack.

    Attributes:
        state: As it is now; every change of it is on disk.
        counts: Resources by operation.
        failures: What went wrong, a text each.
    """

    def __init__(
        self,
        file: StateFile,
        make_aws: Callable[[Mapping[str, Any]], Aws],
        on_step: OnStep,
        *,
        planned: bool = False,
    ) -> None:
        """`make_aws` gives the account behind a provider's inputs; `planned` carries nothing out (preview)."""
        self.state: State = file.load()
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.planned = planned
        self._file = file
        self._make_aws = make_aws
        self._on_step = on_step
        self._lock = threading.RLock()
        self._accounts: dict[str, Aws] = {}
        self._providers: dict[str, Mapping[str, Any]] = {}

    # Accounts ---------------------------------------------------------------------------------------------------------

    def use_provider(self, urn: str, inputs: Mapping[str, Any]) -> None:
        """Note the inputs of an explicit provider, before resources name it."""
        self._providers[urn] = inputs

    def aws(self, provider: str = "") -> Aws:
        """The account behind a provider reference (`<urn>::<id>`), or the stack's own."""
        urn = provider.rsplit("::", 1)[0] if provider else ""
        with self._lock:
            if urn not in self._accounts:
                recorded = self.state.resources.get(urn)
                inputs = self._providers.get(urn) or (recorded.inputs if recorded else {})
                self._accounts[urn] = self._make_aws(inputs)
            return self._accounts[urn]

    # State ------------------------------------------------------------------------------------------------------------

    def note(self, record: Record) -> None:
        """Write down that a resource exists as the record says."""
        with self._lock:
            self.state.resources[record.urn] = record
            self.state.pending.pop(record.urn, None)
            self._save()

    def note_same(self, record: Record) -> None:
        """A resource needs nothing; write its record only if options or dependencies moved."""
        self._count("same")
        if self.state.resources.get(record.urn) != record:
            self.note(record)

    def rename(self, old_urn: str, new_urn: str) -> None:
        """Move a record along an alias."""
        with self._lock:
            if new_urn not in self.state.resources and old_urn in self.state.resources:
                record = self.state.resources.pop(old_urn)
                self.state.resources[new_urn] = replace(record, urn=new_urn)
                for other in self.state.resources.values():
                    other.dependencies = [new_urn if urn == old_urn else urn for urn in other.dependencies]
                self._save()

    def set_outputs(self, outputs: dict[str, Any]) -> None:
        """Keep what the stack exports."""
        with self._lock:
            self.state.outputs = outputs
            self._save()

    def _save(self) -> None:
        if not self.planned:
            self._file.save(self.state)

    # Operations -------------------------------------------------------------------------------------------------------

    def show(self, plan: Plan, wanted: Record) -> None:
        """Report a plan without carrying it out."""
        self._report(plan.operation, wanted, plan.changed)

    def carry_out(self, plan: Plan, wanted: Record, old: Record | None) -> Record:
        """Create, update or replace a resource.

        Args:
            plan: What to do.
            wanted: The record as it shall be, without id and outputs.
            old: The record as it is.

        Returns:
            The record with id and outputs.
        """
        manage = self.aws(wanted.provider).resource(wanted.type)
        if plan.operation == "update":
            assert old is not None
            self._begin(wanted, "update")
            changed = set(plan.changed)
            made = self._run(
                "update", wanted, plan.changed, lambda: manage.update(old.id, plan.inputs, changed, old.outputs)
            )
        else:
            if old is not None:
                self._make_room(old, delete_first=plan.delete_first)
            adopt = wanted.urn in self.state.pending
            self._begin(wanted, "create")
            others = self._others(wanted)
            create = partial(manage.create, plan.inputs, adopt=adopt, others=others)
            made = self._run(plan.operation, wanted, plan.changed, create)
        record = replace(wanted, id=made[0], outputs=freeze(made[1]))
        self.note(record)
        return record

    def delete_all(self, urns: Iterable[str]) -> None:
        """Delete resources, dependents first.

        Raises:
            EngineError: One is protected; nothing is deleted then.
        """
        records = {urn: self.state.resources[urn] for urn in urns}
        protected = [record for record in records.values() if record.protect]
        if protected:
            raise EngineError(
                f"{', '.join(record.name for record in protected)} is protected.",
                "Take `protect` off and run `up` first, or keep it.",
            )
        for record in deletion_order(records.values()):
            self.delete(record)

    def delete(self, record: Record) -> None:
        """Delete one resource and forget it. A component is only forgotten, as is what shall be retained."""
        if record.is_managed:
            if record.retain:
                self._report("forget", record)
            elif self.planned:
                self._report("delete", record)
            else:
                manage = self.aws(record.provider).resource(record.type)
                with self._lock:
                    self.state.pending[record.urn] = replace(record, operation="delete")
                    self._save()
                self._run("delete", record, (), lambda: manage.delete(record.id, record.inputs, record.outputs))
        with self._lock:
            self.state.resources.pop(record.urn, None)
            self.state.pending.pop(record.urn, None)
            self._save()

    def delete_leftovers(self) -> None:
        """Delete what was replaced, dependents first."""
        for record in deletion_order(self.state.replaced):
            if not self.planned:
                manage = self.aws(record.provider).resource(record.type)
                delete = partial(manage.delete, record.id, record.inputs, record.outputs)
                self._run("delete", record, (), delete)
                with self._lock:
                    self.state.replaced.remove(record)
                    self._save()

    def delete_begun(self, wanted: Iterable[str]) -> None:
        """Delete what a killed `create` may have left of resources that the program no longer has."""
        abandoned = [record for urn, record in self.state.pending.items() if urn not in set(wanted)]
        for record in deletion_order(abandoned):
            if record.operation == "create" and record.is_managed and not self.planned:
                manage = self.aws(record.provider).resource(record.type)
                delete = partial(manage.delete_pending, record.inputs, others=self._others(record))
                self._run("delete", record, (), delete)
            with self._lock:
                self.state.pending.pop(record.urn, None)
                self._save()

    def refresh(self, record: Record) -> None:
        """Compare one record with what exists, and make the record say it."""
        manage = self.aws(record.provider).resource(record.type)
        actual = manage.read(record.id, record.inputs)
        if actual is None:
            self._report("forget", record)
            with self._lock:
                self.state.resources.pop(record.urn, None)
                self._save()
            return
        drifted = {key: value for key, value in actual.items() if record.inputs.get(key) != value}
        if drifted:
            self._report("update", record, drifted)
            self.note(replace(record, inputs={**record.inputs, **drifted}))
        else:
            self._count("same")

    # Details ----------------------------------------------------------------------------------------------------------

    def _make_room(self, old: Record, *, delete_first: bool) -> None:
        """Take the old resource out of the way of its replacement, now or at the end."""
        if delete_first:
            for dependent in deletion_order(self._dependents_to_replace(old)):
                self.delete(dependent)
            self.delete(old)
            return
        with self._lock:
            self.state.replaced.append(self.state.resources.pop(old.urn))
            self._save()

    def _dependents_to_replace(self, old: Record) -> list[Record]:
        """Resources that cannot stay while another is gone: they refer to it by an input that cannot be changed."""
        found: dict[str, Record] = {}
        queue = [old.urn]
        while queue:
            urn = queue.pop()
            for record in self.state.resources.values():
                inputs = {key for key, urns in record.property_dependencies.items() if urn in urns}
                if record.is_managed and record.urn not in found and inputs and replaces(record.type, inputs):
                    found[record.urn] = record
                    queue.append(record.urn)
        return list(found.values())

    def _begin(self, wanted: Record, operation: Operation) -> None:
        with self._lock:
            self.state.pending[wanted.urn] = replace(wanted, operation=operation)
            self._save()

    def _run(self, operation: Operation, record: Record, changed: Iterable[str], work: Callable[[], Any]) -> Any:
        begin = time.monotonic()
        try:
            result = work()
        except (ClientError, BotoCoreError, EngineError) as error:
            noun = record.type.rsplit(":", 1)[-1]
            with self._lock:
                self.failures.append(f"{operation} {noun} {record.name}: {error}")
            self._report(operation, record, changed, time.monotonic() - begin, str(error), counted=False)
            raise EngineError(f"{operation} {noun} {record.name} failed: {error}", "") from error
        self._report(operation, record, changed, time.monotonic() - begin)
        return result

    def _report(
        self,
        operation: Operation,
        record: Record,
        changed: Iterable[str] = (),
        duration_s: float | None = None,
        error: str = "",
        *,
        counted: bool = True,
    ) -> None:
        if counted:
            self._count(operation)
        if operation != "same":
            self._on_step(Step(operation, record.type, record.name, tuple(sorted(changed)), duration_s, error))

    def _count(self, operation: Operation) -> None:
        with self._lock:
            self.counts[operation] += 1

    def _others(self, wanted: Record) -> frozenset[str]:
        """Ids of known resources of the same type, but the resource itself."""
        with self._lock:
            records = [record for record in self.state.resources.values() if record.urn != wanted.urn]
            return frozenset(record.id for record in (*records, *self.state.replaced) if record.type == wanted.type)
