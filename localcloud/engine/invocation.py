"""`aws.lambda.Invocation`: calls a function when it is made, changed or deleted."""

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from localcloud.engine.errors import EngineError, UnsupportedError
from localcloud.engine.values import freeze, has_secret, is_unknown

TYPE = "aws:lambda/invocation:Invocation"
SERVICE = "lambda"
_ON_CREATION, _ALWAYS = "CREATE_ONLY", "CRUD"
_INPUTS = frozenset({"functionName", "input", "lifecycleScope", "qualifier", "terraformKey", "triggers", "region"})


class Invocation:
    """Has the same methods as `resource.Resource`.

    With the lifecycle scope CRUD a function gets its input, and under `tf` (or `terraformKey`) what happens: create,
    update or delete, and the input before it. Else it is called on creation only.
    https://www.pulumi.com/registry/packages/aws/api-docs/lambda/invocation/
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Hold inputs against what an invocation knows."""
        unsupported = sorted(set(inputs) - _INPUTS)
        if unsupported:
            raise UnsupportedError(f"An Invocation has no input {', '.join(unsupported)}.", "Leave it out.")
        scope = inputs.get("lifecycleScope", _ON_CREATION)
        if scope not in (_ON_CREATION, _ALWAYS):
            raise EngineError(f"lifecycleScope is {scope!r}.", f"Write {_ON_CREATION} or {_ALWAYS}.")
        if scope == _ALWAYS and has_secret(inputs["input"]):
            raise UnsupportedError(
                "The input is secret, and the local engine keeps no secret that it could pass on at deletion.",
                "Pass the name of a secret and let the function read it.",
            )
        if not is_unknown(inputs["input"]):
            _document(inputs["input"])

    def create(
        self, inputs: Mapping[str, Any], *, adopt: bool = False, others: Container[str] = ()
    ) -> tuple[str, dict[str, Any]]:
        """Call the function; once more after a kill, since nobody knows whether it was called."""
        del adopt, others
        return self._call(inputs, "create", None)

    def update(
        self, resource_id: str, inputs: Mapping[str, Any], changed: Iterable[str], before: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Call the function again with its new input."""
        del resource_id, changed
        return self._call(inputs, "update", before)

    def read(self, resource_id: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """An invocation has happened; there is nothing to look for."""
        del resource_id, inputs
        return {}

    def delete(self, resource_id: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Tell the function that the resource goes, if it wants to know; a function that is gone cannot."""
        del resource_id, outputs
        if inputs.get("lifecycleScope") == _ALWAYS:
            try:
                self._call(inputs, "delete", inputs)
            except self._client.exceptions.ResourceNotFoundException:
                return

    def is_refusal(self, error: BaseException | None) -> bool:
        """Whether the call cannot have reached the function; nobody knows."""
        del error
        return False

    def delete_pending(self, inputs: Mapping[str, Any], *, others: Container[str] = ()) -> None:
        """Tell the function that what was begun is over."""
        del others
        self.delete("", inputs, {})

    def _call(
        self, inputs: Mapping[str, Any], action: str, before: Mapping[str, Any] | None
    ) -> tuple[str, dict[str, Any]]:
        payload = _document(inputs["input"])
        if inputs.get("lifecycleScope") == _ALWAYS:
            previous = json.loads(before["input"]) if before else None
            payload[inputs.get("terraformKey", "tf")] = {"action": action, "prev_input": previous}
        function = inputs["functionName"]
        qualifier = {"Qualifier": inputs["qualifier"]} if inputs.get("qualifier") else {}
        answer = self._client.invoke(FunctionName=function, Payload=json.dumps(payload).encode(), **qualifier)
        result = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise EngineError(f"Function {function} failed on {action}: {result[:500]}", "Look at its log.")
        return f"{function}_{inputs.get('qualifier', '$LATEST')}", {**freeze(dict(inputs)), "result": result}


def _document(text: str) -> dict[str, Any]:
    """An invocation's input, which has to be a JSON object: the action is added to it."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise EngineError(f"The input is not JSON: {error}.", "Write an object, by json.dumps.") from None
    if not isinstance(found, dict):
        raise EngineError(f"The input is {text[:80]}, expected a JSON object.", "Write an object, by json.dumps.")
    return found
