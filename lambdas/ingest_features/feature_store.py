"""A feature group in SageMaker: the newest record of each entity online, every record offline.

History goes straight to the offline store's folder, as AWS's own batch ingestion does, in the store's own layout; only
what counts now is put online, so that a file costs a call for each of its entities and not for each of its rows.
https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comal import s3_layout
from comal.absence import describe_or_none
from comal.feature_group import EVENT_TIME, KNOWN_AT, FeatureGroup
from comal.feature_history import History
from comal.feature_windows import MICROSECONDS, Records
from comal.offline_store import data_uri, hour_prefix, list_keys, read_records
from comal.online_store import RECORDS_PER_CALL, online_records

_CALLS_AT_A_TIME = 8
_HOUR = 3600 * MICROSECONDS
# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html#feature-store-offline-store-schema
_TIMES = pa.timestamp("ms", "UTC")


def is_made(sagemaker: Any, name: str) -> bool:
    """Whether a feature group is there and takes records; the client is boto3's."""
    group = describe_or_none(sagemaker.describe_feature_group, FeatureGroupName=name)
    return group is not None and group["FeatureGroupStatus"] == "Created"


class FeatureStore:
    """One feature group by its name; clients are boto3's.

    Attributes:
        uri: Where its offline records lie; a group that is made anew under the same name has another place.
    """

    def __init__(self, sagemaker: Any, runtime: Any, s3: Any, name: str, group: FeatureGroup) -> None:
        self._runtime = runtime
        self._s3 = s3
        self._name = name
        self._group = group
        self.uri = data_uri(sagemaker, name)

    def write_offline(self, written: History, entities: list[str], identity: str, now: int) -> None:
        """File records by the hour in which they were known.

        Args:
            written: The records.
            entities: Text of each entity's code.
            identity: What is ingested: the same again leaves its own files as they are, and goes on where it ended.
            now: Time of the ingestion, in microseconds.
        """
        if not len(written.known_at):
            return
        hours = written.known_at // _HOUR
        order = np.argsort(hours, kind="stable")
        table = self._table(written, entities, now).take(pa.array(order))
        starts = [0, *(np.flatnonzero(np.diff(hours[order])) + 1).tolist(), len(order)]
        tag = hashlib.sha256(identity.encode()).hexdigest()[:16]
        parts = {self._key(part, tag): part for first, last in pairwise(starts) for part in [table[first:last]]}
        for key in list_keys(self._s3, self.uri, datetime.fromtimestamp(written.known_at.min() / MICROSECONDS, UTC)):
            parts.pop(key, None)
        with ThreadPoolExecutor(_CALLS_AT_A_TIME) as pool:
            list(pool.map(self._put_file, parts.keys(), parts.values()))

    def put_online(self, newest: History, entities: list[str]) -> None:
        """Put records online, but those that are there, and those that an entity's later row has overtaken."""
        names = [entities[code] for code in newest.records.entities]
        hundreds = [names[first : first + RECORDS_PER_CALL] for first in range(0, len(names), RECORDS_PER_CALL)]
        with ThreadPoolExecutor(_CALLS_AT_A_TIME) as pool:
            online = dict(chain.from_iterable(pool.map(self._times_online, hundreds)))
            list(pool.map(lambda at: self._put_record(newest, at, names[at], online), range(len(names))))

    def read_offline(self, since: int, codes: dict[str, int]) -> History:
        """Every record of some entities that was known at `since` or later, in microseconds; `codes` are theirs."""
        table = read_records(self._s3, self.uri, self._group, datetime.fromtimestamp(since / MICROSECONDS, UTC))
        table = table.filter(pc.is_in(table.column(self._group.entity), pa.array(list(codes), pa.string())))
        values = [
            pc.fill_null(table.column(window), float("nan")).to_numpy().astype(np.float64)
            for window in self._group.windows
        ]
        records = Records(
            np.array([codes[name] for name in table.column(self._group.entity).to_pylist()], dtype=np.int64),
            table.column(EVENT_TIME).cast(pa.int64()).to_numpy(),
            np.column_stack(values),
        )
        return History(records, table.column(KNOWN_AT).cast(pa.int64()).to_numpy())

    def _table(self, written: History, entities: list[str], now: int) -> pa.Table:
        rows = len(written.known_at)
        names = np.array(entities, dtype=object)[written.records.entities]
        stamp = pa.array([now // 1000] * rows, pa.int64()).cast(_TIMES)
        return pa.table(
            {
                self._group.entity: pa.array(names, pa.string()),
                KNOWN_AT: _seconds(written.known_at),
                EVENT_TIME: _seconds(written.records.times),
                **{
                    window: pa.array(written.records.values[:, at], from_pandas=True)
                    for at, window in enumerate(self._group.windows)
                },
                "write_time": stamp,
                "api_invocation_time": stamp,
                "is_deleted": pa.array([False] * rows),
            }
        )

    def _key(self, table: pa.Table, tag: str) -> str:
        _, prefix = s3_layout.split_uri(self.uri)
        latest = datetime.fromtimestamp(pc.max(table.column(KNOWN_AT)).as_py(), UTC)
        return f"{hour_prefix(prefix, latest)}{latest:%Y%m%dT%H%M%SZ}_{tag}.parquet"

    def _put_file(self, key: str, table: pa.Table) -> None:
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="snappy")
        bucket, _ = s3_layout.split_uri(self.uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=sink.getvalue())

    def _put_record(self, newest: History, position: int, entity: str, online: dict[str, dict[str, int]]) -> None:
        records = newest.records
        time, known_at = int(records.times[position]), int(newest.known_at[position])
        if there := online.get(entity):
            if (there[EVENT_TIME], there[KNOWN_AT]) >= (time, known_at):
                return
            # A late row may have been known before an earlier row was corrected; the store takes later times only.
            known_at = max(known_at, there[KNOWN_AT] + 1)
        features = {
            self._group.entity: entity,
            KNOWN_AT: _text(known_at),
            EVENT_TIME: _text(time),
            **{
                window: repr(float(value))
                for window, value in zip(self._group.windows, records.values[position], strict=True)
                if not np.isnan(value)
            },
        }
        self._runtime.put_record(
            FeatureGroupName=self._name,
            Record=[{"FeatureName": name, "ValueAsString": value} for name, value in features.items()],
            TargetStores=["OnlineStore"],
        )

    def _times_online(self, entities: list[str]) -> list[tuple[str, dict[str, int]]]:
        """Times of what is online of entities, in microseconds."""
        return [
            (entity, {name: round(float(value) * MICROSECONDS) for name, value in times.items()})
            for entity, times in online_records(self._runtime, self._name, entities, [EVENT_TIME, KNOWN_AT])
        ]


def _seconds(times: Any) -> pa.Array:
    """Microseconds as the store's event times: seconds since 1970, to the microsecond in a double."""
    return pa.array(times / MICROSECONDS, pa.float64())


def _text(time: int) -> str:
    return f"{time / MICROSECONDS:.6f}"
