"""The provider's functions (`aws.get_…`) that programs call while they run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from localcloud.engine.aws import Aws
from localcloud.engine.errors import UnsupportedError


def call(token: str, arguments: Mapping[str, Any], aws: Aws) -> dict[str, Any]:
    """The result of a function.

    Raises:
        UnsupportedError: The engine has no such function.
    """
    match token.split(":")[-1]:
        case "getCallerIdentity":
            found = aws.client("sts").get_caller_identity()
            return {
                "accountId": found["Account"],
                "arn": found["Arn"],
                "userId": found["UserId"],
                "id": found["Account"],
            }
        case "getRegion":
            region = aws.region
            return {"region": region, "name": region, "id": region, "description": region}
        case "getPartition":
            return {
                "partition": "aws",
                "dnsSuffix": "amazonaws.com",
                "reverseDnsPrefix": "com.amazonaws",
                "id": "aws",
            }
        case "getPolicyDocument":
            return _policy_document(arguments)
    raise UnsupportedError(f"The local engine has no function {token}.", "Add it to localcloud/engine/functions.py.")


def _policy_document(arguments: Mapping[str, Any]) -> dict[str, Any]:
    document = {
        "Version": arguments.get("version", "2012-10-17"),
        "Statement": [_statement(statement) for statement in arguments.get("statements", [])],
    }
    text = json.dumps(document, indent=2)
    return {"json": text, "minifiedJson": json.dumps(document), "id": hashlib.sha256(text.encode()).hexdigest()[:10]}


def _statement(arguments: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": arguments["sid"]} if arguments.get("sid") else {}
    statement["Effect"] = arguments.get("effect", "Allow")
    for name, key in (
        ("Action", "actions"),
        ("NotAction", "notActions"),
        ("Resource", "resources"),
        ("NotResource", "notResources"),
    ):
        if arguments.get(key):
            statement[name] = _one_or_many(arguments[key])
    if arguments.get("principals"):
        statement["Principal"] = {
            principal["type"]: _one_or_many(principal["identifiers"]) for principal in arguments["principals"]
        }
    for condition in arguments.get("conditions", []):
        tests = statement.setdefault("Condition", {}).setdefault(condition["test"], {})
        tests[condition["variable"]] = _one_or_many(condition["values"])
    return statement


def _one_or_many(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
