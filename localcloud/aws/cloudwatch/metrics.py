"""Taking measurements in: from PutMetricData, from AWS's own services here, and from functions' logs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localcloud.aws.api_errors import ApiError
from localcloud.aws.clock import Clock
from localcloud.aws.cloudwatch.judge import Judge
from localcloud.aws.cloudwatch.series import Bucket, SeriesKey, dimensions_of
from localcloud.aws.cloudwatch.store import MINUTE_S, SECOND_S, Store
from localcloud.aws.metrics import Datum

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_RESERVED = "AWS/"
_NO_UNIT = "None"
_OLDEST_S = 14 * 24 * 3600
_NEWEST_S = 2 * 3600


class MetricIntake:
    """`localcloud.aws.metrics.Metrics`; any thread may call it."""

    def __init__(self, store: Store, clock: Clock, judge: Judge) -> None:
        self._store = store
        self._clock = clock
        self._judge = judge

    def put(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        """Takes measurements of any namespace."""
        self.repeat(account, region, namespace, data)
        if data:
            newest = max(datum.timestamp for datum in data)
            self._judge.wake(namespace, frozenset(datum.name for datum in data), newest)

    def repeat(self, account: str, region: str, namespace: str, data: Sequence[Datum]) -> None:
        """Takes measurements that say nothing new, so that no alarm is woken."""
        for datum in data:
            key = SeriesKey(account, region, namespace, datum.name, dimensions_of(datum.dimensions), datum.unit)
            bucket = _counted(datum.values, datum.counts)
            self._store.add(key, datum.timestamp, SECOND_S if datum.high_resolution else MINUTE_S, bucket)

    def put_metric_data(self, account: str, region: str, request: Mapping[str, Any]) -> None:
        """Takes the request of PutMetricData; it is on disk when this returns.

        Raises:
            ApiError: The namespace is AWS's, or a datum is none; nothing is taken then.
        """
        namespace = request["Namespace"]
        if namespace.startswith(_RESERVED):
            raise ApiError("InvalidParameterValue", f"The value {namespace} for parameter Namespace is invalid.")
        read = [self._read(position, datum) for position, datum in enumerate(request.get("MetricData", []), 1)]
        for name, dimensions, unit, moment, resolution, bucket in read:
            self._store.add(SeriesKey(account, region, namespace, name, dimensions, unit), moment, resolution, bucket)
        self._store.flush()
        if read:
            newest = max(moment for _, _, _, moment, *_ in read)
            self._judge.wake(namespace, frozenset(name for name, *_ in read), newest)

    def _read(
        self, position: int, datum: Mapping[str, Any]
    ) -> tuple[str, tuple[tuple[str, str], ...], str, float, int, Bucket]:
        where = f"MetricData.member.{position}"
        now = self._clock.now()
        moment = float(datum.get("Timestamp", now))
        if not now - _OLDEST_S <= moment <= now + _NEWEST_S:
            raise ApiError(
                "InvalidParameterValue",
                f"The parameter {where}.Timestamp must not be over two weeks old or two hours ahead.",
            )
        dimensions = {one["Name"]: one["Value"] for one in datum.get("Dimensions", [])}
        return (
            datum["MetricName"],
            dimensions_of(dimensions),
            datum.get("Unit", _NO_UNIT),
            moment,
            SECOND_S if datum.get("StorageResolution", MINUTE_S) < MINUTE_S else MINUTE_S,
            _bucket(where, datum),
        )


def _bucket(where: str, datum: Mapping[str, Any]) -> Bucket:
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        raise ApiError(
            "InvalidParameterCombination", f"{where} must have one of Value, Values and StatisticValues; it has {said}."
        )
    if "StatisticValues" in datum:
        known = datum["StatisticValues"]
        bucket = Bucket()
        if known["SampleCount"] > 0:
            bucket.add_statistics(known["SampleCount"], known["Sum"], known["Minimum"], known["Maximum"])
        return bucket
    values = [datum["Value"]] if "Value" in datum else datum["Values"]
    if not all(map(math.isfinite, values)):
        raise ApiError("InvalidParameterValue", f"{where} must have finite values; NaN and infinity are not supported.")
    counts = datum.get("Counts", [])
    if counts and len(counts) != len(values):
        raise ApiError("InvalidParameterValue", f"{where}.Counts must be as many as Values.")
    return _counted(values, counts)


def _counted(values: Iterable[float], counts: Sequence[float]) -> Bucket:
    bucket = Bucket()
    for position, value in enumerate(values):
        bucket.add(float(value), float(counts[position]) if counts else 1.0)
    return bucket
