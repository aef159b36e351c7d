"""The resource types that the local engine knows, one module a service, one row a type."""

from collections.abc import Mapping

from localcloud.engine.resource_type import ResourceType
from localcloud.engine.types import (
    alarms,
    catalogue,
    containers,
    events,
    functions,
    identity,
    keys,
    logs,
    machine_learning,
    parameters,
    queues,
    schedules,
    storage,
    tables,
    topics,
    workflows,
)

TYPES: Mapping[str, ResourceType] = {
    **alarms.TYPES,
    **catalogue.TYPES,
    **containers.TYPES,
    **events.TYPES,
    **functions.TYPES,
    **identity.TYPES,
    **keys.TYPES,
    **logs.TYPES,
    **machine_learning.TYPES,
    **parameters.TYPES,
    **queues.TYPES,
    **schedules.TYPES,
    **storage.TYPES,
    **tables.TYPES,
    **topics.TYPES,
    **workflows.TYPES,
}
