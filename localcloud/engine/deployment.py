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

from localcloud.engine.aws import Aws, Manageable
from localcloud.engine.errors import EngineError
from localcloud.engine.plan import Plan
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
        lock: Held while state is changed.
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
        self.lock = threading.RLock()
        self._accounts: dict[str, Aws] = {}
        self._providers: dict[str, Mapping[str, Any]] = {}

    # Accounts ---------------------------------------------------------------------------------------------------------

    def use_provider(self, urn: str, inputs: Mapping[str, Any]) -> None:
        """Note the inputs of an explicit provider, before resources name it."""
        self._providers[urn] = inputs

    def aws(self, provider: str = "") -> Aws:
        """The account behind a provider reference (`<urn>::<id>`), or the stack's own."""
        urn = provider.rsplit("::", 1)[0] if provider else ""
        with self.lock:
            if urn not in self._accounts:
                recorded = self.state.resources.get(urn)
                inputs = self._providers.get(urn) or (recorded.inputs if recorded else {})
                self._accounts[urn] = self._make_aws(inputs)
            return self._accounts[urn]

    def manage(self, record: Record) -> Manageable:
        """What manages a record's resource."""
        aws = self.aws(record.provider)
        return aws.resource(record.type, region=record.inputs.get("region", ""), planned=self.planned)

    # State ------------------------------------------------------------------------------------------------------------

    def note(self, record: Record) -> None:
        """Write down that a resource exists as the record says."""
        with self.lock:
            self.state.resources[record.urn] = record
            self.state.pending.pop(record.urn, None)
            self.save()

    def note_same(self, record: Record) -> None:
        """A resource needs nothing; write its record only if options or dependencies moved."""
        self._count("same")
        if self.state.resources.get(record.urn) != record:
            self.note(record)

    def rename(self, old_urn: str, new_urn: str) -> None:
        """Move a record along an alias."""
        with self.lock:
            if new_urn not in self.state.resources and old_urn in self.state.resources:
                record = self.state.resources.pop(old_urn)
                self.state.resources[new_urn] = replace(record, urn=new_urn)
                if old_urn in self.state.pending:
                    self.state.pending[new_urn] = replace(self.state.pending.pop(old_urn), urn=new_urn)
                for other in (*self.state.resources.values(), *self.state.pending.values(), *self.state.replaced):
                    other.depend_on(old_urn, new_urn)
                self.save()

    def set_outputs(self, outputs: dict[str, Any]) -> None:
        """Keep what the stack exports."""
        with self.lock:
            self.state.outputs = outputs
            self.save()

    def save(self) -> None:
        """Write the state to disk, unless nothing is carried out."""
        if not self.planned:
            self._file.save(self.state)

    # Operations -------------------------------------------------------------------------------------------------------

    def show(self, plan: Plan, wanted: Record) -> None:
        """Report a plan without carrying it out."""
        self.report(plan.operation, wanted, plan.changed)

    def carry_out(self, plan: Plan, wanted: Record, old: Record | None) -> Record:
        """Create or update a resource; what it replaces is out of the way already.

        Args:
            plan: What to do.
            wanted: The record as it shall be, without id and outputs.
            old: The record as it is.

        Returns:
            The record with id and outputs.
        """
        manage = self.manage(wanted)
        if plan.operation == "update":
            assert old is not None
            self._begin(wanted, "update")
            changed = set(plan.changed)
            made = self.run_step(
                "update", wanted, plan.changed, lambda: manage.update(old.id, plan.inputs, changed, old.outputs)
            )
        else:
            adopt = wanted.urn in self.state.pending
            self._begin(wanted, "create")
            create = partial(manage.create, plan.inputs, adopt=adopt, others=self.others(wanted))
            try:
                made = self.run_step(plan.operation, wanted, plan.changed, create)
            except EngineError as error:
                if not adopt and manage.is_refusal(error.__cause__):
                    # Nothing was made: what has this name is somebody else's, and must never be taken for ours.
                    self._forget_begun(wanted)
                raise
        record = replace(wanted, id=made[0], outputs=freeze(made[1]))
        self.note(record)
        return record

    def refresh(self, record: Record) -> None:
        """Compare one record with what exists, and make the record say it."""
        drifted = self.manage(record).read(record.id, record.inputs)
        if drifted is None:
            self.report("forget", record)
            with self.lock:
                self.state.resources.pop(record.urn, None)
                self.save()
            return
        if drifted:
            self.report("update", record, drifted)
            with self.lock:
                # What was begun stays begun.
                self.state.resources[record.urn] = replace(record, inputs={**record.inputs, **drifted})
                self.save()
        else:
            self._count("same")

    # Details ----------------------------------------------------------------------------------------------------------

    def _forget_begun(self, record: Record) -> None:
        with self.lock:
            self.state.pending.pop(record.urn, None)
            self.save()

    def _begin(self, wanted: Record, operation: Operation) -> None:
        with self.lock:
            self.state.pending[wanted.urn] = replace(wanted, operation=operation)
            self.save()

    def run_step(self, operation: Operation, record: Record, changed: Iterable[str], work: Callable[[], Any]) -> Any:
        """Do one thing to one resource, and report it.

        Raises:
            EngineError: It failed; the cause is the service's own error.
        """
        begin = time.monotonic()
        try:
            result = work()
        except (ClientError, BotoCoreError, EngineError) as error:
            noun = record.type.rsplit(":", 1)[-1]
            with self.lock:
                self.failures.append(f"{operation} {noun} {record.name}: {error}")
            self.report(operation, record, changed, time.monotonic() - begin, str(error), counted=False)
            raise EngineError(f"{operation} {noun} {record.name} failed: {error}", "") from error
        self.report(operation, record, changed, time.monotonic() - begin)
        return result

    def report(
        self,
        operation: Operation,
        record: Record,
        changed: Iterable[str] = (),
        duration_s: float | None = None,
        error: str = "",
        *,
        counted: bool = True,
    ) -> None:
        """Tell of one step."""
        if counted:
            self._count(operation)
        if operation != "same":
            self._on_step(Step(operation, record.type, record.name, tuple(sorted(changed)), duration_s, error))

    def _count(self, operation: Operation) -> None:
        with self.lock:
            self.counts[operation] += 1

    def others(self, wanted: Record) -> frozenset[str]:
        """Ids of known resources of the same type, but the resource itself."""
        with self.lock:
            records = [record for record in self.state.resources.values() if record.urn != wanted.urn]
            return frozenset(record.id for record in (*records, *self.state.replaced) if record.type == wanted.type)
