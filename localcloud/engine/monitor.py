"""Stands in for the Pulumi engine's two services, in the process of the program: ResourceMonitor and Engine.

The SDK calls these methods from its worker threads, with the messages of its gRPC protocol.
https://github.com/pulumi/pulumi/blob/master/proto/pulumi/resource.proto
"""

import threading
from typing import Any

from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.proto import resource_pb2 as pb

from localcloud.engine import functions
from localcloud.engine.archives import Archives
from localcloud.engine.deployment import PROVIDER_PREFIX, Deployment
from localcloud.engine.errors import EngineError, UnsupportedError
from localcloud.engine.plan import Wishes
from localcloud.engine.project import Project
from localcloud.engine.registration import Registration
from localcloud.engine.resource import Resource
from localcloud.engine.state import Record
from localcloud.engine.values import complete, decode, freeze, to_struct

_STACK = "pulumi:pulumi:Stack"
_FEATURES = ("secrets", "resourceReferences", "outputValues", "aliasSpecs", "deletedWith")
_MASK = "[secret]"


class Monitor:
    """Answers one run of one program.

    Attributes:
        seen: URNs that the program registered.
        messages: Warnings and errors that the program logged.
        outputs: What the stack exports; secrets are masked.
    """

    def __init__(self, project: Project, deployment: Deployment, archives: Archives) -> None:
        self.seen: set[str] = set()
        self.messages: list[str] = []
        self.outputs: dict[str, Any] = {}
        self._project = project
        self._deployment = deployment
        self._registration = Registration(deployment)
        self._archives = archives
        self._lock = threading.Lock()

    # ResourceMonitor --------------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """What this engine can do."""
        del request, context
        return pb.DeploymentInfo(
            supportedFeatures=[
                pb.RESOURCE_MONITOR_FEATURE_SECRETS,
                pb.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
                pb.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
                pb.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
                pb.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
            ]
        )

    def SupportsFeature(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Whether this engine has a feature."""
        del context
        return pb.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def SignalAndWaitForShutdown(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """The program has registered everything."""
        del request, context
        return empty_pb2.Empty()

    def RegisterResource(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Make a resource what the program says."""
        del context
        urn = self._urn(request.parent, request.type, request.name)
        _refuse_options(request)
        self._see(urn, request)
        wire = json_format.MessageToDict(request.object)
        inputs = decode(wire, self._archives)
        self._follow_aliases(urn, request)
        wanted = self._record(urn, request)
        if not request.custom or request.type.startswith(PROVIDER_PREFIX):
            if request.custom:
                self._deployment.use_provider(urn, inputs)
                wanted.id = request.name
            wanted.inputs = freeze(inputs)
            if self._deployment.state.resources.get(urn) != wanted:
                self._deployment.note(wanted)
            return pb.RegisterResourceResponse(urn=urn, id=wanted.id, object=to_struct(wire))
        wishes = Wishes(request.ignoreChanges, request.replaceOnChanges, request.deleteBeforeReplace)
        record = self._registration.bring_about(wanted, inputs, wishes)
        outputs = complete(wire, record.outputs)
        return pb.RegisterResourceResponse(urn=urn, id=record.id, object=to_struct(outputs))

    def RegisterResourceOutputs(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Keep what the stack exports; components' outputs are read by the program alone."""
        del context
        if f"::{_STACK}::" in request.urn:
            exported = json_format.MessageToDict(request.outputs)
            self.outputs = {key: _masked(value) for key, value in exported.items()}
        return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Look up a resource that another program made (`Resource.get`)."""
        del context
        manage = self._deployment.aws(request.provider).resource(request.type)
        if not isinstance(manage, Resource):
            raise UnsupportedError(f"{request.type} cannot be looked up.", "Make it in this program.")
        urn = self._urn(request.parent, request.type, request.name)
        return pb.ReadResourceResponse(urn=urn, properties=to_struct(manage.import_outputs(request.id)))

    def Invoke(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Call a function of the provider."""
        del context
        arguments = decode(json_format.MessageToDict(request.args), self._archives)
        result = functions.call(request.tok, arguments, self._deployment.aws(request.provider))
        response = pb.ResourceInvokeResponse()
        getattr(response, "return").update(result)
        return response

    # Engine -----------------------------------------------------------------------------------------------------------

    def Log(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Keep what the program warns of."""
        del context
        if request.severity >= engine_pb2.WARNING:
            with self._lock:
                self.messages.append(request.message)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any, context: Any = None) -> Any:  # noqa: N802  # the protocol's name
        """Accept any: there is no CLI whose version could be wrong."""
        del request, context
        return engine_pb2.RequirePulumiVersionResponse()

    # Details ----------------------------------------------------------------------------------------------------------

    def _urn(self, parent: str, type_: str, name: str) -> str:
        parent_type = parent.split("::")[2] if parent else ""
        prefix = f"{parent_type}$" if parent_type and parent_type != _STACK else ""
        return f"urn:pulumi:{self._project.stack}::{self._project.name}::{prefix}{type_}::{name}"

    def _see(self, urn: str, request: Any) -> None:
        with self._lock:
            if urn in self.seen and request.type != _STACK:
                raise EngineError(
                    f"The program registers {request.type} '{request.name}' twice under one parent.",
                    "Give one of them another name.",
                )
            self.seen.add(urn)

    def _follow_aliases(self, urn: str, request: Any) -> None:
        for alias in request.aliases:
            if alias.WhichOneof("alias") == "urn":
                former = alias.urn
            else:
                spec = alias.spec
                parent = spec.parentUrn or ("" if spec.noParent else request.parent)
                former = self._urn(parent, spec.type or request.type, spec.name or request.name)
            if former != urn:
                self._deployment.rename(former, urn)

    @staticmethod
    def _record(urn: str, request: Any) -> Record:
        by_property = {key: sorted(value.urns) for key, value in request.propertyDependencies.items()}
        provider = request.provider.rsplit("::", 1)[0] if request.provider else ""
        dependencies = {
            *request.dependencies,
            *(found for urns in by_property.values() for found in urns),
            *(found for found in (request.parent, provider) if found),
        }
        return Record(
            urn=urn,
            type=request.type,
            custom=request.custom,
            parent=request.parent,
            provider=request.provider,
            dependencies=sorted(dependencies),
            property_dependencies=by_property,
            protect=request.protect,
            retain=request.retainOnDelete,
        )


def _refuse_options(request: Any) -> None:
    """What the program asks for and would silently not get."""
    if request.importId:
        raise UnsupportedError(
            f"{request.type} {request.name} is to be imported, which the local engine cannot do.",
            "Leave `import_` out, or run this stack with the Pulumi CLI.",
        )
    if request.remote:
        raise UnsupportedError(
            f"{request.type} {request.name} is a component of another package.",
            "The local engine runs components of this program; use the Pulumi CLI for this stack.",
        )


def _masked(value: Any) -> Any:
    from pulumi.runtime import rpc

    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return _MASK
        if value.get(rpc._special_sig_key) == rpc._special_output_value_sig:
            return _MASK if value.get("secret") else _masked(value.get("value"))
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value
