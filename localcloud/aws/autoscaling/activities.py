"""Scaling activities: each change of a capacity, on record before it is asked for and until it is done.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ScalingActivity.html
"""

import uuid
from dataclasses import dataclass

from localcloud.aws.api_errors import ApiError
from localcloud.aws.autoscaling.fleets import Fleets, FleetState
from localcloud.aws.autoscaling.store import Document, Entry, Store
from localcloud.aws.autoscaling.target_tracking import Direction, Scaling
from localcloud.aws.autoscaling.variant import DIMENSION, NAMESPACE, Variant
from localcloud.aws.clock import Clock

_IN_PROGRESS, _SUCCESSFUL, _FAILED = "InProgress", "Successful", "Failed"
# "Provides descriptive information about the scaling activities … from the previous six weeks."
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScalingActivities.html
_KEPT_S = 42 * 24 * 3600
# Hidden members: the capacity wanted, which way that is, and whether SageMaker has taken the call.
_WANTED, _DIRECTION, _ASKED = "_Wanted", "_Direction", "_Asked"


@dataclass(frozen=True, slots=True)
class Activities:
    """The activities of all variants. A variant has one in progress at most."""

    store: Store
    clock: Clock
    fleets: Fleets

    def are_idle(self) -> bool:
        """Whether none is in progress."""
        return not self._in_progress()

    def begin(self, variant: Variant, state: FleetState, wanted: int, cause: str) -> None:
        """Puts a change on record and asks for it."""
        now = self.clock.now()
        activity: Document = {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": NAMESPACE,
            "ResourceId": variant.resource_id,
            "ScalableDimension": DIMENSION,
            "Description": f"Setting desired instance count to {wanted}.",
            "Cause": cause,
            "StartTime": now,
            "StatusCode": _IN_PROGRESS,
            "StatusMessage": f"Successfully requested desired instance count of {wanted}.",
            _WANTED: wanted,
            _DIRECTION: Direction.OUT if wanted > state.capacity else Direction.IN,
            _ASKED: False,
        }
        with self.store.transaction():
            self._write(variant, activity)
            for entry in self.store.of_variant("activity", variant):
                if entry.document["StartTime"] < now - _KEPT_S:
                    self.store.delete("activity", variant, entry.name)
        self._ask(variant, activity)

    def follow_up(self) -> None:
        """Brings on what is in progress, also of variants that are no targets any more."""
        for entry in self._in_progress():
            variant, activity = entry.variant, entry.document
            state = self.fleets.look(variant)
            if state is None:
                self._finish(variant, activity, is_done=False, why=" Reason: the variant is gone.")
            elif not activity[_ASKED]:  # killed between the record and the call, or the endpoint was being changed
                self._ask(variant, activity)
            elif state.is_resting:
                self._finish(variant, activity, is_done=state.capacity == activity[_WANTED])

    def is_changing(self, variant: Variant) -> bool:
        """Whether a change of a variant is in progress."""
        return any(entry.variant == variant for entry in self._in_progress())

    def last_scaling(self, variant: Variant) -> Scaling | None:
        """The last change that was done, if any."""
        done = [
            entry.document
            for entry in self.store.of_variant("activity", variant)
            if entry.document["StatusCode"] == _SUCCESSFUL
        ]
        return Scaling(Direction(done[-1][_DIRECTION]), done[-1]["EndTime"]) if done else None

    def _in_progress(self) -> list[Entry]:
        return [entry for entry in self.store.all("activity") if entry.document["StatusCode"] == _IN_PROGRESS]

    def _ask(self, variant: Variant, activity: Document) -> None:
        try:
            self.fleets.resize(variant, activity[_WANTED])
        except ApiError as error:
            self._finish(variant, activity, is_done=False, why=f" Reason: {error.message}")
            return
        self._write(variant, activity | {_ASKED: True})

    def _finish(self, variant: Variant, activity: Document, is_done: bool, why: str = "") -> None:
        wanted = activity[_WANTED]
        message = (
            f"Successfully set desired instance count to {wanted}. Change successfully fulfilled by sagemaker."
            if is_done
            else f"Failed to set desired instance count to {wanted}.{why}"
        )
        status = _SUCCESSFUL if is_done else _FAILED
        self._write(variant, activity | {"StatusCode": status, "StatusMessage": message, "EndTime": self.clock.now()})

    def _write(self, variant: Variant, activity: Document) -> None:
        self.store.put("activity", variant, activity["ActivityId"], activity)
