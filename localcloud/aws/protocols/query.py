"""AWS's query protocol, which older SDKs and command lines speak: a form in, XML out.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from botocore.model import OperationNotFoundError
from botocore.utils import parse_timestamp

from localcloud.aws.api_model import service_model
from localcloud.aws.protocols.fitting import fit
from localcloud.aws.protocols.protocol import Call, ProtocolError
from localcloud.aws.request import Response

_HEADERS = {"content-type": "text/xml"}
_NUMBERS = ("float", "double")
_INDEX = re.compile(r"(\d+)(?:\.|$)")


class QueryProtocol:
    """See WireProtocol."""

    def decode(self, service: str, operation: str, body: bytes) -> Call:
        """See WireProtocol."""
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
        except ValueError:
            raise ProtocolError("The body is no form.") from None
        operation = form.pop("Action", operation)
        if not operation:
            raise ProtocolError("The form has no Action.")
        try:
            shape = service_model(service).operation_model(operation).input_shape
        except OperationNotFoundError:
            return Call(operation, {})  # the service says that it has none of this name
        return Call(operation, _read_structure(shape, form, "") if shape is not None else {})

    def encode(self, service: str, operation: str, response: Response) -> Response:
        """See WireProtocol."""
        document = json.loads(response.body or b"{}")
        headers = {**response.headers, **_HEADERS}
        namespace = service_model(service).metadata["xmlNamespace"]
        if response.status >= 400:
            root = _error(namespace, document, response.status)
        else:
            root = _answer(service, namespace, operation, document)
        return Response(response.status, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), headers)


def _read_structure(shape: Any, form: Mapping[str, str], prefix: str) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        key = prefix + name
        if key in form or any(other.startswith(f"{key}.") for other in form):
            found[name] = _read(member, form, key)
    return found


def _read(shape: Any, form: Mapping[str, str], key: str) -> Any:
    if shape.type_name == "structure":
        return _read_structure(shape, form, f"{key}.")
    if shape.type_name == "list":
        return [_read(shape.member, form, item) for item in _items(form, f"{key}.member.")]
    if shape.type_name == "map":
        entries = _items(form, f"{key}.entry.")
        return {form[f"{entry}.key"]: _read(shape.value, form, f"{entry}.value") for entry in entries}
    return _read_scalar(shape.type_name, form[key], key)


def _items(form: Mapping[str, str], prefix: str) -> list[str]:
    """The keys of a list's items, in order."""
    matches = (_INDEX.match(key.removeprefix(prefix)) for key in form if key.startswith(prefix))
    return [f"{prefix}{number}" for number in sorted({int(match[1]) for match in matches if match})]


def _read_scalar(kind: str, text: str, key: str) -> Any:
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in _NUMBERS:
            return float(text)
        if kind == "timestamp":
            return parse_timestamp(text).timestamp()
    except ValueError:
        raise ProtocolError(f"{key} has a value of the wrong type: {text}") from None
    return text == "true" if kind == "boolean" else text


def _answer(service: str, namespace: str, operation: str, document: dict[str, Any]) -> ElementTree.Element:
    root = ElementTree.Element(f"{operation}Response", xmlns=namespace)
    shape = service_model(service).operation_model(operation).output_shape
    if shape is not None:
        _write(shape, fit(shape, document), ElementTree.SubElement(root, f"{operation}Result"))
    metadata = ElementTree.SubElement(root, "ResponseMetadata")
    ElementTree.SubElement(metadata, "RequestId").text = str(uuid.uuid4())
    return root


def _error(namespace: str, document: dict[str, Any], status: int) -> ElementTree.Element:
    root = ElementTree.Element("ErrorResponse", xmlns=namespace)
    error = ElementTree.SubElement(root, "Error")
    texts = {
        "Type": "Sender" if status < 500 else "Receiver",
        "Code": document.get("__type", ""),
        "Message": document.get("message", ""),
    }
    for name, text in texts.items():
        ElementTree.SubElement(error, name).text = text
    ElementTree.SubElement(root, "RequestId").text = str(uuid.uuid4())
    return root


def _write(shape: Any, value: Any, element: ElementTree.Element) -> None:
    if shape.type_name == "structure":
        for name, item in value.items():
            _write(shape.members[name], item, ElementTree.SubElement(element, name))
    elif shape.type_name == "list":
        for item in value:
            _write(shape.member, item, ElementTree.SubElement(element, "member"))
    elif shape.type_name == "map":
        for key, item in value.items():
            entry = ElementTree.SubElement(element, "entry")
            ElementTree.SubElement(entry, "key").text = key
            _write(shape.value, item, ElementTree.SubElement(entry, "value"))
    elif shape.type_name == "timestamp":
        element.text = datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    elif shape.type_name == "boolean":
        element.text = "true" if value else "false"
    else:
        element.text = str(value)
