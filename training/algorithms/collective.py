"""XGBoost's collective: hosts that grow the same trees, each from the histograms of its share of the rows.

https://xgboost.readthedocs.io/en/stable/python/python_api.html#module-xgboost.collective
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from xgboost import collective
from xgboost.core import XGBoostError
from xgboost.tracker import RabitTracker

from training.team import JOIN_S, Team

# How long a round may wait for the slowest host.
_ROUND_S = 600
_GOODBYE_S = 60


@contextmanager
def joined(team: Team) -> Iterator[None]:
    """What is fitted inside is fitted by all hosts of the team; a team of one fits alone.

    Raises:
        LostHostError: A host does not come, or ended before the fit.
    """
    if team.size == 1:
        yield
        return
    trackers: list[RabitTracker] = []

    def start_tracker(address: str) -> str:
        tracker = RabitTracker(n_workers=team.size, host_ip=address, sortby="task", timeout=int(JOIN_S))
        tracker.start()
        trackers.append(tracker)
        return f"{address} {tracker.worker_args()['dmlc_tracker_port']}"

    address, port = team.meet(start_tracker).split()
    communicator = collective.CommunicatorContext(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=address,
        dmlc_tracker_port=int(port),
        # Hosts are ranked by this text.
        dmlc_task_id=f"{team.rank:04}",
        dmlc_timeout=_ROUND_S,
        # Everybody is there; what is retried is the good-bye to a host that is gone, for longer each time.
        dmlc_retry=1,
    )
    try:
        with communicator:
            yield
        for tracker in trackers:
            tracker.wait_for(_GOODBYE_S)
    finally:
        for tracker in trackers:
            # After a fit that broke off the tracker has nothing to say that the fit has not.
            with suppress(XGBoostError):
                tracker.free()


def any_of(team: Team, flag: bool) -> bool:
    """Whether the flag is up on any host; all of them must ask."""
    if team.size == 1:
        return flag
    return bool(collective.allreduce(np.array([flag], dtype=np.int32), collective.Op.MAX)[0])


def broken_off(error: Exception) -> str | None:
    """Why, if XGBoost failed because hosts lost each other; it then names a source file of its collective."""
    text = str(error)
    if "/collective/" not in text:
        return None
    lines = [line.strip() for line in text.partition("Stack trace:")[0].splitlines() if line.strip().startswith("- [")]
    return lines[-1].partition("]: ")[2].rstrip(".") if lines else "XGBoost gives no reason"
