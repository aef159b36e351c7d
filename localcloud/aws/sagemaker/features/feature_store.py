"""The Feature Store as SageMaker's service holds it: groups, records, files, and the thread that writes them."""

import logging
import threading
from pathlib import Path

from localcloud.aws.clock import Clock
from localcloud.aws.sagemaker.aws_clients import AwsClients
from localcloud.aws.sagemaker.catalogue import Catalogue, Operation
from localcloud.aws.sagemaker.features.groups import FeatureGroups
from localcloud.aws.sagemaker.features.offline_files import OfflineFiles
from localcloud.aws.sagemaker.features.record_store import RecordStore
from localcloud.aws.sagemaker.features.records import Records

logger = logging.getLogger("localcloud.sagemaker.features")

_LOOK_S = 1.0
# Records expire without a call.
_SLEEP_S = 60.0
_READY_TIMEOUT_S = 30.0


class FeatureStore:
    """Everything of it; `Timers` for the stepped clock."""

    def __init__(self, catalogue: Catalogue, clients: AwsClients, clock: Clock, directory: Path) -> None:
        self._clients = clients
        self._store = RecordStore(directory / "records.db")
        self._offline = OfflineFiles(catalogue, self._store, clients, clock)
        self._groups = FeatureGroups(catalogue, clients, self._store, self._offline)
        self._work = threading.Event()
        self.records = Records(catalogue, self._store, clock, self._work.set)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sagemaker-features", daemon=True)

    def operations(self) -> dict[str, Operation]:
        """The control plane's."""
        return self._groups.operations()

    def start(self) -> None:
        """Begins with what the last emulator left."""
        self._groups.resume()
        self._work.set()
        self._thread.start()

    def stop(self) -> None:
        """Ends; the port answers no more, so what is not in S3 stays for the next start."""
        self._stopping.set()
        self._work.set()
        self._groups.stop()
        self._thread.join(timeout=5)
        self._store.close()

    def next_due(self) -> float | None:
        """When the next file is to be written, or the next expired record to be taken away."""
        due = (self.records.next_due(), self._offline.next_due())
        return min((moment for moment in due if moment is not None), default=None)

    def fire_due(self) -> bool:
        """Does what is due."""
        has_expired = self.records.fire_due()
        return self._offline.fire_due() or has_expired

    def is_idle(self) -> bool:
        """Whether no file is being written, and no group is being made or deleted."""
        return self._offline.is_idle() and self._groups.is_idle()

    def _run(self) -> None:
        self._clients.wait_until_ready(_READY_TIMEOUT_S)
        while not self._stopping.is_set():
            self._work.wait(_SLEEP_S)
            self._stopping.wait(_LOOK_S)
            self._work.clear()
            try:
                self.fire_due()
            except Exception:  # the records are kept, and nobody else would write them
                logger.exception("The offline store was not written; trying again")
            if self._offline.has_work():
                self._work.set()
