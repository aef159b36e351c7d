"""Which calls are for a service of our own: by `X-Amz-Target`, by path, and by SigV4 credential scope."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CREDENTIAL_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class TargetRoute:
    """A JSON-RPC service: `X-Amz-Target: <prefix>.<Operation>`."""

    service: str
    target_prefix: str


@dataclass(frozen=True, slots=True)
class PathRoute:
    """One call of a REST service. A service without a signature is refused later, by IAM."""

    service: str
    operation: str
    method: str
    path: re.Pattern[str]


TARGETS = (
    TargetRoute("sagemaker", "SageMaker"),
    TargetRoute("application-autoscaling", "AnyScaleFrontendService"),
    TargetRoute("cloudwatch", "GraniteServiceVersion20100801"),
)

# Services whose callers may speak the query protocol, by their SigV4 name: `POST /` with a form.
QUERIES = {"monitoring": "cloudwatch"}
# Smithy's RPC v2 CBOR: the same names as those of a target, in the path.
_CBOR_PATH = re.compile(r"^/service/([^/]+)/operation/([^/]+)$")

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html
_ENDPOINT = r"^/endpoints/(?P<name>[^/]+)"
# A name or an ARN, whose slash arrives unquoted.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Feature_Store_Runtime.html
_FEATURE_GROUP = r"^/FeatureGroup/(?P<FeatureGroupName>[^/]+|arn:[^/]+:feature-group/[^/]+)"
_FEATURES = "sagemaker-featurestore-runtime"
PATHS = (
    PathRoute("sagemaker-runtime", "InvokeEndpoint", "POST", re.compile(_ENDPOINT + "/invocations$")),
    PathRoute("sagemaker-runtime", "InvokeEndpointAsync", "POST", re.compile(_ENDPOINT + "/async-invocations$")),
    PathRoute(
        "sagemaker-runtime",
        "InvokeEndpointWithResponseStream",
        "POST",
        re.compile(_ENDPOINT + "/invocations-response-stream$"),
    ),
    PathRoute(_FEATURES, "PutRecord", "PUT", re.compile(_FEATURE_GROUP + "$")),
    PathRoute(_FEATURES, "GetRecord", "GET", re.compile(_FEATURE_GROUP + "$")),
    PathRoute(_FEATURES, "DeleteRecord", "DELETE", re.compile(_FEATURE_GROUP + "$")),
    PathRoute(_FEATURES, "UpdateRecord", "POST", re.compile(_FEATURE_GROUP + "/Record$")),
    PathRoute(_FEATURES, "ListRecords", "POST", re.compile(_FEATURE_GROUP + "/ListRecords$")),
    PathRoute(_FEATURES, "BatchGetRecord", "POST", re.compile("^/BatchGetRecord$")),
    PathRoute(_FEATURES, "BatchWriteRecord", "POST", re.compile("^/BatchWriteRecord$")),
)

# SigV4 name by service, and so the prefix of its IAM actions, where it is not the service's own name.
SIGNING_NAMES = {"sagemaker-runtime": "sagemaker", _FEATURES: "sagemaker"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where one call goes.

    Attributes:
        operation: Empty where the body names it.
        protocol: `rest`; or `json`, `cbor` or `query` of a call that is not.
    """

    service: str
    operation: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "json"

    @property
    def is_rest(self) -> bool:
        """Whether the call is in method and path, and the body is the service's own to read."""
        return self.protocol == "rest"

    @property
    def signing_name(self) -> str:
        """The service's name in SigV4 scopes and IAM actions."""
        return SIGNING_NAMES.get(self.service, self.service)


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """Who says to be calling, and where; not verified yet."""

    access_key: str
    region: str
    signing_name: str


def read_credential_scope(authorization: str) -> CredentialScope | None:
    """The scope named in an `Authorization` header, or None for an unsigned call."""
    match = _CREDENTIAL_SCOPE.search(authorization)
    return CredentialScope(match[1], match[2], match[3]) if match else None


def find_target(method: str, path: str, amz_target: str, scope: CredentialScope | None) -> Target | None:
    """The service and operation of a call for one of our own services, else None (then it is MiniStack's)."""
    prefix, _, operation = amz_target.partition(".")
    protocol = "json"
    if cbor := _CBOR_PATH.match(path):
        prefix, operation, protocol = cbor[1], cbor[2], "cbor"
    for target_route in TARGETS:
        if prefix == target_route.target_prefix:
            return Target(target_route.service, operation, protocol=protocol)
    if scope and scope.signing_name in QUERIES and (method, path, amz_target) == ("POST", "/", ""):
        return Target(QUERIES[scope.signing_name], "", protocol="query")
    for path_route in PATHS:
        match = path_route.path.match(path) if method == path_route.method else None
        # A path alone could also be a key in a bucket named `endpoints`; its signature tells them apart.
        if match and (scope is None or scope.signing_name == SIGNING_NAMES[path_route.service]):
            return Target(path_route.service, path_route.operation, match.groupdict(), "rest")
    return None
