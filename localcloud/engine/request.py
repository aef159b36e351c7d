"""Parameters of AWS calls, made from a program's inputs by a row of `types/` and botocore's shapes."""

from collections.abc import Iterable, Mapping
from typing import Any

import jmespath

from localcloud.engine.conversion import to_attribute, to_shape
from localcloud.engine.errors import UnsupportedError
from localcloud.engine.resource_type import ResourceType
from localcloud.engine.values import is_unknown


class Requests:
    """Builds the calls of one resource type in one account and region."""

    def __init__(self, type_: ResourceType, client: Any, region: str, account: str) -> None:
        self._type = type_
        self._client = client
        self.surroundings = {"region": region, "account": account}

    def operation(self, method: str) -> str:
        """AWS's name of a client's method."""
        return str(self._client.meta.method_to_api_mapping[method])

    def shape_of(self, method: str) -> Any:
        """Botocore's shape of a method's parameters."""
        return self._client.meta.service_model.operation_model(self.operation(method)).input_shape

    def shaped(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs in the form of AWS's parameters."""
        return self._type.prepare(dict(inputs)) if self._type.prepare else dict(inputs)

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Hold inputs against the row, without a call.

        Raises:
            UnsupportedError: An input has no place in any call.
        """
        row = self._type
        used = {*row.local, *row.attributes, *row.setters, *(("tags",) if row.tagging else ())}
        known = {key: value for key, value in inputs.items() if not is_unknown(value)}
        shaped = self.shaped(known)
        for method in (row.create, *row.updates):
            keys = row.updates.get(method)
            self.build(method, shaped, keys, used)
            used |= {key for key in inputs if key not in known and (keys is None or key in keys)}
        unsupported = sorted(set(shaped) - used - {"region"})
        if unsupported:
            raise UnsupportedError(
                f"The local engine has no row for input {', '.join(unsupported)} of this type.",
                "Leave it out, or add it to localcloud/engine/types/.",
            )

    def build(
        self, method: str, inputs: Mapping[str, Any], keys: Iterable[str] | None, used: set[str]
    ) -> dict[str, Any]:
        """Parameters of a call.

        Args:
            method: Method of the client.
            inputs: Inputs, shaped.
            keys: Those that count; None for all.
            used: Gets the inputs that found a place.
        """
        row, shape = self._type, self.shape_of(method)
        members = {name.lower(): name for name in shape.members}
        request: dict[str, Any] = {}
        for key, value in inputs.items():
            if key == "region" or key in row.local or (keys is not None and key not in keys):
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

    def key(self, method: str, context: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters that say which resource is meant."""
        members, scope = self.shape_of(method).members, {**self.surroundings, **context}
        found = {name: jmespath.search(path, scope) for name, path in self._type.key.items() if name in members}
        return {name: value for name, value in found.items() if value is not None}

    def attribute(self, method: str, name: str, value: Any) -> dict[str, Any]:
        """Parameters that set one attribute: SQS takes a map, SNS a name and a value."""
        if "Attributes" in self.shape_of(method).members:
            return {"Attributes": {name: to_attribute(value)}}
        return {"AttributeName": name, "AttributeValue": to_attribute(value)}

    def tags(self, method: str, tags: Mapping[str, str]) -> dict[str, Any]:
        """Tags as a method takes them: a map, or a list of keys and values."""
        shape = self.shape_of(method)
        name = next(name for name in shape.members if name.lower() == "tags")
        return {name: to_shape(dict(tags), shape.members[name], "tags")}

    def tag_keys(self, method: str, keys: list[str]) -> dict[str, Any]:
        """Names of tags as a method that removes them takes them."""
        members = {name.lower(): name for name in self.shape_of(method).members}
        return {members.get("tagkeys") or members["tags"]: keys}


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
