"""The service `sagemaker-featurestore-runtime`: REST calls become documents, and answers JSON."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

from localcloud.aws.api_model import ApiModel
from localcloud.aws.api_validation import validate
from localcloud.aws.request import Request, Response
from localcloud.aws.sagemaker.errors import ApiError, ValidationError
from localcloud.aws.sagemaker.features.group import invalid_record
from localcloud.aws.sagemaker.features.records import Records
from localcloud.aws.sagemaker.scope import Scope
from localcloud.aws.sagemaker.store import Document
from localcloud.aws.service import Judgement

_MODEL = ApiModel("sagemaker-featurestore-runtime")
# Calls wait for SQLite only, one at a time.
_THREADS = 2


class FeatureStoreRuntime:
    """Puts and gets records."""

    name = "sagemaker-featurestore-runtime"

    def __init__(self, records: Records) -> None:
        self._operations = records.operations()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sagemaker-records")

    def resource_arn(self, request: Request) -> str:
        """The feature group's ARN; the first one's of a batch."""
        return self.judgements(request)[0].resource_arn

    def judgements(self, request: Request) -> Sequence[Judgement]:
        """A batch needs the right on each feature group that it names.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
        """
        action, scope = f"sagemaker:{request.operation}", Scope(request.account, request.region)
        names = _group_names(request)
        return [Judgement(action, scope.arn("feature-group", name.rpartition("/")[2])) for name in names] or [
            Judgement(action, "*")
        ]

    async def handle(self, request: Request) -> Response:
        """Answers one call."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, request)

    async def start(self) -> None:
        """Nothing of its own to begin: the stores belong to the control plane."""

    async def stop(self) -> None:
        """Ends its threads."""
        self._threads.shutdown(wait=True)

    def _answer(self, request: Request) -> Response:
        try:
            operation = self._operations.get(request.operation)
            if operation is None:
                raise invalid_record(f"{request.operation} needs the Standard_V2 or InMemory storage type.")
            document = _document(request)
            try:
                validate(_MODEL.input_shape(request.operation), document)
            except ValidationError as error:
                raise invalid_record(error.message) from None
            answer = operation(Scope(request.account, request.region), document)
        except ApiError as error:
            status = 404 if error.code == "ResourceNotFound" else error.status
            return Response.error(error.code, error.message, status)
        return Response(200, json.dumps(answer).encode(), {"content-type": "application/json"})


def _document(request: Request) -> Document:
    """The request as the model describes it, from path, query and body."""
    query = parse_qs(request.query_string, keep_blank_values=True)
    document: Document = _body(request)
    for name, member in _MODEL.input_shape(request.operation).members.items():
        location = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if location == "uri":
            document[name] = request.path_parameters[wire_name]
        elif location == "querystring" and wire_name in query:
            values = query[wire_name]
            document[name] = values if member.type_name == "list" else values[0]
    return document


def _body(request: Request) -> Document:
    raw = request.body if isinstance(request.body, bytes) else b""
    try:
        document = json.loads(raw or b"{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise invalid_record("The body is not a JSON object.")
    return document


def _group_names(request: Request) -> list[str]:
    """The feature groups that a call is about; whatever is malformed is refused later, as a request."""
    if "FeatureGroupName" in request.path_parameters:
        return [request.path_parameters["FeatureGroupName"]]
    try:
        body = _body(request)
    except ApiError:
        return []
    parts = body.get("Identifiers") or body.get("Entries")
    found = (
        [part.get("FeatureGroupName") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    )
    return sorted({name for name in found if isinstance(name, str)})
