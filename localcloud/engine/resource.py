"""Carries out what a row of `types/` says: create, read, update and delete through a boto3 client."""

import re
import time
from collections.abc import Container, Iterable, Mapping
from typing import Any

import jmespath
from botocore.exceptions import ClientError

from localcloud.engine.conversion import to_attribute, to_shape
from localcloud.engine.errors import EngineError, UnsupportedError
from localcloud.engine.resource_type import ResourceType
from localcloud.engine.values import freeze, is_unknown

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
        self._surroundings = {"region": region, "account": account}

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Hold inputs against the row, without a call.

        Raises:
            UnsupportedError: An input has no place in any call.
        """
        row, used = self._type, {*self._type.local, *self._type.attributes, *(("tags",) if self._type.tagging else ())}
        known = {key: value for key, value in inputs.items() if not is_unknown(value)}
        shaped = self._shaped(known)
        for method in (row.create, *row.updates):
            keys = row.updates.get(method)
            self._request(method, shaped, keys, used)
            used |= {key for key in inputs if key not in known and (keys is None or key in keys)}
        unsupported = sorted(set(shaped) - used)
        if unsupported:
            raise UnsupportedError(
                f"The local engine has no row for input {', '.join(unsupported)} of this type.",
                "Leave it out, or add it to localcloud/engine/types/.",
            )

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
        shaped = self._shaped(inputs)
        used: set[str] = set()
        request = self._request(row.create, shaped, None, used)
        try:
            answer = getattr(self._client, row.create)(**request)
        except ClientError as error:
            if not (adopt and _EXISTS.search(error.response["Error"]["Code"])):
                raise
            return self._adopt(None, inputs)
        resource_id, outputs = self._finish(inputs, answer, None)
        late = {key for keys in row.updates.values() for key in keys if key in shaped and key not in used}
        self._apply(resource_id, shaped, late, outputs)
        return resource_id, outputs

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
        shaped = self._shaped(full)
        if row.put:
            getattr(self._client, row.create)(**self._request(row.create, shaped, None, set()))
        self._apply(resource_id, shaped, changed, before)
        if "tags" in changed and row.tagging:
            self._retag(resource_id, full.get("tags", {}), before)
        return self._finish(inputs, {}, resource_id)

    def read(self, resource_id: str, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Inputs as they really are, as far as AWS tells them; None when the resource is gone."""
        try:
            answer = self._read(resource_id, inputs)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        told = {key: jmespath.search(path, answer) for key, path in self._type.actual.items() if key in inputs}
        return {key: value for key, value in told.items() if value is not None}

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
                request = self._key(row.delete, {"in": inputs, "id": resource_id, "out": outputs})
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
            found = jmespath.search(self._type.id, {**self._surroundings, "in": inputs, "res": {}})
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

    def _shaped(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return self._type.prepare(dict(inputs)) if self._type.prepare else dict(inputs)

    def _shape_of(self, method: str) -> Any:
        operation = self._client.meta.method_to_api_mapping[method]
        return self._client.meta.service_model.operation_model(operation).input_shape

    def _request(
        self, method: str, inputs: Mapping[str, Any], keys: Iterable[str] | None, used: set[str]
    ) -> dict[str, Any]:
        """Parameters of a call from inputs; notes which inputs found a place."""
        row, shape = self._type, self._shape_of(method)
        members = {name.lower(): name for name in shape.members}
        request: dict[str, Any] = {}
        for key, value in inputs.items():
            if key in row.local or (keys is not None and key not in keys):
                continue
            if key in row.attributes:
                if "Attributes" in shape.members:
                    request.setdefault("Attributes", {})[row.attributes[key]] = to_attribute(value)
                    used.add(key)
                continue
            for path in row.paths.get(key, key).split("|"):
                head, *rest = path.split(".")
                member = members.get(head.lower())
                # S3 takes tags as text with an object, and as a structure apart from it.
                if member and (not rest or shape.members[member].type_name in ("structure", "list")):
                    _place(request, member, shape.members[member], rest, value, key)
                    used.add(key)
                    break
        return {**row.fixed.get(method, {}), **request}

    def _key(self, method: str, context: Mapping[str, Any]) -> dict[str, Any]:
        members, scope = self._shape_of(method).members, {**self._surroundings, **context}
        found = {name: jmespath.search(path, scope) for name, path in self._type.key.items() if name in members}
        return {name: value for name, value in found.items() if value is not None}

    def _apply(
        self, resource_id: str, inputs: Mapping[str, Any], changed: set[str], outputs: Mapping[str, Any]
    ) -> None:
        """Call the update methods that carry changed inputs."""
        row, context = self._type, {"in": inputs, "id": resource_id, "out": outputs}
        for method, keys in row.updates.items():
            if changed & set(keys):
                request = self._key(method, context) | self._request(method, inputs, keys, set())
                getattr(self._client, method)(**request)
                self._settle(resource_id)
        for key in changed & set(row.attributes) if row.attribute_setter else ():
            self._set_attribute(row.attributes[key], inputs.get(key, ""), context)

    def _set_attribute(self, name: str, value: Any, context: Mapping[str, Any]) -> None:
        method = self._type.attribute_setter
        pair = {"Attributes": {name: to_attribute(value)}}
        if "Attributes" not in self._shape_of(method).members:
            pair = {"AttributeName": name, "AttributeValue": to_attribute(value)}  # type: ignore[dict-item]
        getattr(self._client, method)(**self._key(method, context), **pair)

    def _retag(self, resource_id: str, tags: Mapping[str, str], outputs: Mapping[str, Any]) -> None:
        tagging = self._type.tagging
        assert tagging is not None
        scope = {**self._surroundings, "id": resource_id, "out": outputs, "in": {}}
        key = {name: jmespath.search(path, scope) for name, path in tagging.key.items()}
        members = {name.lower(): name for name in self._shape_of(tagging.remove).members}
        gone = sorted(set(outputs.get("tags") or {}) - set(tags))
        if gone:
            getattr(self._client, tagging.remove)(**key, **{members.get("tagkeys") or members["tags"]: gone})
        if tags:
            shape = self._shape_of(tagging.add)
            name = next(name for name in shape.members if name.lower() == "tags")
            getattr(self._client, tagging.add)(**key, **{name: to_shape(dict(tags), shape.members[name], "tags")})

    def _read(self, resource_id: str, inputs: Mapping[str, Any]) -> Any:
        row = self._type
        if not row.read:
            return {}
        key = self._key(row.read, {"in": inputs, "id": resource_id, "out": {}})
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
        scope: dict[str, Any] = {**self._surroundings, "in": freeze(dict(inputs)), "res": answer, "id": resource_id}
        resource_id = resource_id or jmespath.search(row.id, scope)
        if not resource_id:
            raise EngineError(f"{row.create} answered without an id.", "Look at the local cloud's log.")
        self._settle(resource_id)
        scope["id"] = resource_id
        told = self._read(resource_id, inputs) if any("res." in path for path in row.outputs.values()) else {}
        scope["res"] = {**answer, **told}
        outputs = {name: jmespath.search(path, scope) for name, path in row.outputs.items()}
        return resource_id, {**scope["in"], **{name: value for name, value in outputs.items() if value is not None}}


def _place(request: dict[str, Any], name: str, shape: Any, rest: list[str], value: Any, key: str) -> None:
    """Put a value at a path of parameters; a list on the way gets one element."""
    current = request
    for part in rest:
        if shape.type_name == "list":
            current, shape = current.setdefault(name, [{}])[0], shape.member
        else:
            current = current.setdefault(name, {})
        name, shape = part, shape.members[part]
    current[name] = to_shape(value, shape, key)
