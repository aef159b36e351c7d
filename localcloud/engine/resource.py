"""Carries out what a row of `types/` says: create, read, update and delete through a boto3 client."""

import json
import re
import time
from collections.abc import Container, Iterable, Mapping
from typing import Any

import jmespath
from botocore.exceptions import ClientError

from localcloud.engine.errors import EngineError
from localcloud.engine.request import Requests
from localcloud.engine.resource_type import ResourceType
from localcloud.engine.values import freeze, has_secret

_EXISTS = re.compile(r"Exist|Conflict|AlreadyOwned|InUse|Duplicate")
_GONE = re.compile(r"NotFound|NoSuch|NonExist|NotExist|DoesNotExist|ObjectNotFound|^404$")
_GONE_MESSAGE = re.compile(r"Could not find|does not exist|not found", re.IGNORECASE)
_SETTLE_TIMEOUT_S = 300.0
_POLL_S = 0.03


def is_gone(error: ClientError) -> bool:
    """Whether AWS says that the resource does not exist. SageMaker says it in the message of a ValidationException."""
    said = error.response["Error"]
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    return bool(_GONE.search(code) or (code.startswith("Validation") and _GONE_MESSAGE.search(message)))


class Resource:
    """One resource type in one account and region."""

    def __init__(self, type_: ResourceType, client: Any, region: str, account: str) -> None:
        self._type = type_
        self._client = client
        self._requests = Requests(type_, client, region, account)

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Hold inputs against the row, without a call.

        Raises:
            UnsupportedError: An input has no place in any call.
        """
        self._requests.check(inputs)

    def create(
        self, inputs: Mapping[str, Any], *, adopt: bool = False, others: Container[str] = ()
    ) -> tuple[str, dict[str, Any]]:
        """Make the resource.

        Args:
            inputs: Decoded inputs, name included.
            adopt: Whether one that exists is ours, from an operation that was killed.
            others: Ids of resources that are known and not this one.

        Returns:
            Id and outputs.
        """
        row = self._type
        found = self._left_behind(inputs, others) if adopt and row.find else None
        if found and row.always_replace:
            # Nobody knows whether it was made from these inputs.
            self.delete(found, inputs, {})
        elif found:
            return self._adopt(found, inputs)
        shaped = self._requests.shaped(inputs)
        used: set[str] = set()
        request = self._requests.build(row.create, shaped, None, used)
        try:
            answer = getattr(self._client, row.create)(**request)
        except ClientError as error:
            if not (adopt and _EXISTS.search(error.response["Error"]["Code"])):
                raise
            return self._adopt(None, inputs)
        resource_id, outputs = self._finish(inputs, answer, None)
        late = {key for keys in row.updates.values() for key in keys if key in shaped and key not in used}
        late |= {key for key in row.setters if key in shaped}
        self._apply(resource_id, shaped, late, outputs)
        return resource_id, outputs

    def is_refusal(self, error: BaseException | None) -> bool:
        """Whether `create` failed in such a way that it cannot have made anything.

        A call that was tried twice may have been carried out the first time.
        """
        if not isinstance(error, ClientError):
            return False
        metadata = error.response.get("ResponseMetadata", {})
        return (
            error.operation_name == self._requests.operation(self._type.create)
            and 400 <= metadata.get("HTTPStatusCode", 0) < 500
            and not metadata.get("RetryAttempts")
        )

    def update(
        self, resource_id: str, inputs: Mapping[str, Any], changed: Iterable[str], before: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Change inputs of an existing resource.

        Args:
            resource_id: Its id.
            inputs: All inputs as they shall be.
            changed: Which of them differ; one that is gone returns to its default.
            before: Outputs as they were.
        """
        row, changed = self._type, set(changed)
        full = dict(inputs) | {key: row.defaults[key] for key in changed if key not in inputs and key in row.defaults}
        shaped = self._requests.shaped(full)
        if row.put:
            # AWS refuses or ignores tags of what exists; they have calls of their own.
            kept = {key: value for key, value in shaped.items() if key != "tags" or not row.tagging}
            request = self._requests.build(row.create, kept, None, set())
            getattr(self._client, row.create)(**request, **row.overwrite)
        self._apply(resource_id, shaped, changed, before)
        if "tags" in changed and row.tagging:
            self._retag(resource_id, full.get("tags", {}), before)
        return self._finish(inputs, {}, resource_id)

    def read(self, resource_id: str, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Inputs that really are otherwise, as far as AWS tells them; None when the resource is gone.

        Args:
            resource_id: Its id.
            inputs: As the state has them.
        """
        row = self._type
        try:
            answer = self._read(resource_id, inputs)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        if row.is_there and not row.is_there(answer, resource_id, inputs):
            return None
        told = {key: jmespath.search(path, answer) for key, path in row.actual.items() if key in inputs}
        return {key: value for key, value in told.items() if value is not None and not _alike(value, inputs[key])}

    def import_outputs(self, resource_id: str) -> dict[str, Any]:
        """Outputs of a resource that another program made."""
        inputs = {self._type.name: resource_id} if self._type.name else {}
        return self._finish(inputs, {}, resource_id)[1]

    def delete(self, resource_id: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Remove the resource; one that is gone already is fine."""
        row = self._type
        try:
            if row.before_delete:
                row.before_delete(self._client, resource_id, inputs)
            if row.delete:
                request = self._requests.key(row.delete, {"in": inputs, "id": resource_id, "out": outputs})
                getattr(self._client, row.delete)(**request, **row.fixed.get(row.delete, {}))
        except ClientError as error:
            if not is_gone(error):
                raise

    def delete_pending(self, inputs: Mapping[str, Any], *, others: Container[str] = ()) -> None:
        """Remove what a killed `create` may have made; `others` are known and not meant."""
        found = self._left_behind(inputs, others)
        if found:
            self.delete(found, inputs, {})

    def _left_behind(self, inputs: Mapping[str, Any], others: Container[str]) -> str | None:
        """Id of what a killed `create` may have made."""
        row = self._type
        try:
            found = row.find(self._client, inputs) if row.find else self._predicted_id(inputs)
        except ClientError as error:
            if not is_gone(error):
                raise
            return None
        return found if found and found not in others else None

    def _predicted_id(self, inputs: Mapping[str, Any]) -> str | None:
        """The id, where it follows from the inputs."""
        try:
            found = jmespath.search(self._type.id, {**self._requests.surroundings, "in": inputs, "res": {}})
        except jmespath.exceptions.JMESPathError:
            return None
        return found or None

    def _adopt(self, resource_id: str | None, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        resource_id = resource_id or self._predicted_id(inputs)
        if not resource_id:
            raise EngineError("It exists already, and its id does not follow from its name.", "Remove it by hand.")
        changeable = set(inputs) - set(self._type.local) - set(self._type.replace)
        _, outputs = self._finish(inputs, {}, resource_id)
        return self.update(resource_id, inputs, changeable, outputs)

    def _apply(
        self, resource_id: str, inputs: Mapping[str, Any], changed: set[str], outputs: Mapping[str, Any]
    ) -> None:
        """Call what carries changed inputs."""
        row, context = self._type, {"in": inputs, "id": resource_id, "out": outputs}
        for key in changed & set(row.setters):
            row.setters[key](self._client, resource_id, inputs.get(key), outputs)
        for method, keys in row.updates.items():
            if changed & set(keys):
                request = self._requests.key(method, context) | self._requests.build(method, inputs, keys, set())
                getattr(self._client, method)(**request)
                self._settle(resource_id)
        for key in changed & set(row.attributes) if row.attribute_setter else ():
            request = self._requests.attribute(row.attribute_setter, row.attributes[key], inputs.get(key, ""))
            getattr(self._client, row.attribute_setter)(**self._requests.key(row.attribute_setter, context), **request)

    def _retag(self, resource_id: str, tags: Mapping[str, str], outputs: Mapping[str, Any]) -> None:
        tagging = self._type.tagging
        assert tagging is not None
        scope = {**self._requests.surroundings, "id": resource_id, "out": outputs, "in": {}}
        key = {name: jmespath.search(path, scope) for name, path in tagging.key.items()}
        gone = sorted(set(outputs.get("tags") or {}) - set(tags))
        if gone:
            getattr(self._client, tagging.remove)(
                **key, **tagging.fixed, **self._requests.tag_keys(tagging.remove, gone)
            )
        if tags:
            getattr(self._client, tagging.add)(**key, **tagging.fixed, **self._requests.tags(tagging.add, tags))

    def _read(self, resource_id: str, inputs: Mapping[str, Any]) -> Any:
        row = self._type
        if not row.read:
            return {}
        key = self._requests.key(row.read, {"in": inputs, "id": resource_id, "out": {}})
        return getattr(self._client, row.read)(**key, **row.fixed.get(row.read, {}))

    def _settle(self, resource_id: str) -> None:
        if not self._type.settled:
            return
        deadline = time.monotonic() + _SETTLE_TIMEOUT_S
        while not self._type.settled(self._client, resource_id):
            if time.monotonic() > deadline:
                raise EngineError(f"{resource_id} was not ready after {_SETTLE_TIMEOUT_S:.0f} s.", "Try again.")
            time.sleep(_POLL_S)

    def _finish(self, inputs: Mapping[str, Any], answer: Any, resource_id: str | None) -> tuple[str, dict[str, Any]]:
        """Id and outputs, once the resource is ready."""
        row = self._type
        frozen = freeze(dict(inputs))
        scope: dict[str, Any] = {**self._requests.surroundings, "in": frozen, "res": answer, "id": resource_id}
        resource_id = resource_id or jmespath.search(row.id, scope)
        if not resource_id:
            raise EngineError(f"{row.create} answered without an id.", "Look at the local cloud's log.")
        self._settle(resource_id)
        scope["id"] = resource_id
        told = self._read(resource_id, inputs) if any("res." in path for path in row.outputs.values()) else {}
        scope["res"] = {**answer, **told}
        outputs = {name: jmespath.search(path, scope) for name, path in row.outputs.items()}
        if row.takes_tags and not has_secret(inputs.get("tags")):
            outputs["tagsAll"] = frozen.get("tags", {})
        return resource_id, {**frozen, **{name: value for name, value in outputs.items() if value is not None}}


def _alike(actual: Any, known: Any) -> bool:
    """Whether two values mean the same: a policy is JSON text here, and an object or other text there."""
    return bool(_plain(actual) == _plain(known))


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
