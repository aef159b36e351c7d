"""An engine that makes nothing and records everything: each resource with URN, inputs and dependencies."""

import asyncio
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import config, mocks, rpc, stack
from pulumi.runtime.settings import configure

from tests.infra.program import ACCOUNT, REGION, REPOSITORY, Program, Resource


class _Provider(mocks.Mocks):
    """Answers as AWS would, as far as the program looks."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        answers = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "arn": "", "userId": "", "id": ""},
            "aws:index/getRegion:getRegion": {"region": REGION, "name": REGION, "id": REGION},
        }
        return answers[args.token]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        name = args.inputs.get("name", args.name)
        service, kind = args.typ.split(":")[1].split("/")[0], args.typ.split(":")[-1]
        outputs = {"arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}/{name}", **args.inputs}
        if kind == "Repository":
            outputs["repositoryUrl"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}"
        if kind == "Key":
            outputs["keyId"] = f"{args.name}-key"
        if kind == "Queue":
            outputs["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        return f"{name}-id", outputs


class _Monitor(mocks.MockMonitor):
    """Records what the SDK asks for, with the URNs that the real engine gives."""

    def __init__(self, program: Program) -> None:
        super().__init__(_Provider())
        self._program = program

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        parent_type = parent.split("::")[2] if parent else "pulumi:pulumi:Stack"
        chain = type_ if parent_type == "pulumi:pulumi:Stack" else f"{parent_type}${type_}"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{chain}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            inputs = rpc.deserialize_properties(request.object)
            self._program.resources.append(
                Resource(
                    urn=response.urn,
                    type=request.type,
                    name=request.name,
                    inputs=inputs,
                    dependencies=frozenset(request.dependencies),
                    retained=request.retainOnDelete,
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "pulumi:pulumi:Stack" in request.urn:
            self._program.outputs.update(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)


def main() -> None:
    """Reads project, stack and values from standard input, writes what was registered to standard output."""
    request = json.load(sys.stdin)
    program = Program()
    monitor = _Monitor(program)
    configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(None),
            project=request["project"],
            stack=request["stack"],
            dry_run=False,
            organization=None,
            callbacks=None,
        )
    )
    config.set_all_config(request["values"])
    with asyncio.Runner() as runner:
        runner.run(stack.run_in_stack(lambda: _run_program()))
    json.dump(program, sys.stdout, default=_plain)


def _run_program() -> None:
    runpy.run_path(str(REPOSITORY / "infra/__main__.py"), run_name="__main__")


def _plain(value: Any) -> Any:
    if isinstance(value, pulumi.Asset | pulumi.Archive):
        return str(Path(value.path).relative_to(REPOSITORY))
    return sorted(value) if isinstance(value, frozenset) else vars(value)


if __name__ == "__main__":
    main()
