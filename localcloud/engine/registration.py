"""What happens to one resource that a program registers: checked, compared with what is known, carried out or shown."""

from dataclasses import replace
from typing import Any

from localcloud.engine.aws import Aws
from localcloud.engine.deployment import Deployment
from localcloud.engine.errors import EngineError
from localcloud.engine.plan import Wishes, is_same, plan
from localcloud.engine.removal import Removal
from localcloud.engine.state import Record
from localcloud.engine.types import TYPES
from localcloud.engine.values import freeze, is_unknown


class Registration:
    """Brings resources of one deployment to what the program says."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._removal = Removal(deployment)

    def bring_about(self, wanted: Record, inputs: dict[str, Any], wishes: Wishes) -> Record:
        """Create, update, replace or keep a resource; in a preview, only say so.

        Args:
            wanted: The record as it shall be, without inputs, id and outputs.
            inputs: Decoded inputs.
            wishes: Resource options.

        Raises:
            EngineError: It cannot be done, or it failed.
        """
        deployment = self._deployment
        aws = deployment.aws(wanted.provider)
        inputs = _completed(inputs, wanted.type, aws)
        manage = aws.resource(wanted.type, region=inputs.get("region", ""), planned=deployment.planned)
        try:
            manage.check(inputs)
            old = self._what_exists(wanted, freeze(inputs))
            begun = deployment.state.pending.get(wanted.urn)
            decided = plan(wanted.name, wanted.type, inputs, old, begun, wishes)
        except EngineError as error:
            raise type(error)(f"{wanted.type} {wanted.name}: {error.message}", error.next_step) from error.__cause__
        wanted.inputs = freeze(decided.inputs)
        if decided.operation == "same" and old is not None:
            wanted.id, wanted.outputs = old.id, old.outputs
            deployment.note_same(wanted)
            return wanted
        if deployment.planned:
            deployment.show(decided, wanted)
            wanted.outputs = wanted.inputs
            if old is not None and decided.operation == "update":
                wanted.id, wanted.outputs = old.id, {**old.outputs, **wanted.inputs}
            return wanted
        if old is not None and decided.operation == "replace":
            self._removal.make_room(old, delete_first=decided.delete_first)
        return deployment.carry_out(decided, wanted, old)

    def _what_exists(self, wanted: Record, inputs: dict[str, Any]) -> Record | None:
        """The record of a resource, after what a kill left of it has been finished or undone."""
        state = self._deployment.state
        begun = state.pending.get(wanted.urn)
        old = state.resources.get(wanted.urn)
        if begun and begun.operation == "delete" and old:
            # Half deleted is not worth keeping.
            self._removal.delete(replace(old, retain=False))
            old = None
        elif begun and begun.operation == "create" and not is_same(wanted.type, inputs, begun.inputs):
            # The program has moved on to another resource: the one begun is nobody's.
            self._removal.delete_begun(begun)
        if old is None and wanted.urn not in state.pending:
            old = self._taken_back(wanted, inputs)
        return old

    def _taken_back(self, wanted: Record, inputs: dict[str, Any]) -> Record | None:
        """What a killed replacement had put aside, if the program wants that one after all."""
        deployment = self._deployment
        with deployment.lock:
            for record in deployment.state.replaced:
                if record.urn == wanted.urn and is_same(wanted.type, inputs, record.inputs):
                    deployment.state.replaced.remove(record)
                    deployment.state.resources[record.urn] = record
                    deployment.save()
                    return record
        return None


def _completed(inputs: dict[str, Any], type_: str, aws: Aws) -> dict[str, Any]:
    """Inputs with the provider's default tags; without a region that is the provider's own."""
    completed = dict(inputs)
    if completed.get("region") == aws.region:
        del completed["region"]
    row = TYPES.get(type_)
    tags = completed.get("tags", {})
    if row and row.takes_tags and aws.default_tags and not (isinstance(tags, str) and is_unknown(tags)):
        completed["tags"] = {**aws.default_tags, **tags}
    return completed
