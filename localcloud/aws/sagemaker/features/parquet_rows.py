"""Records as a Parquet file of the offline store.

https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from localcloud.aws.sagemaker.features.record_store import OutgoingRecord

_READERS: dict[str, Callable[[str], Any]] = {"Integral": int, "Fractional": float, "String": str}


def to_parquet(types: Mapping[str, str], records: Sequence[OutgoingRecord], written_at: float) -> bytes:
    """One file: the features in the group's order, then the three columns that the Feature Store adds.

    Args:
        types: `Integral`, `Fractional` or `String`, by feature.
        records: The rows.
        written_at: Epoch seconds.
    """
    # A tenth of a second, and tens of megabytes that most local clouds never need.
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow_types = {"Integral": pa.int64(), "Fractional": pa.float64(), "String": pa.string()}
    moment = pa.timestamp("ms", tz="UTC")
    columns = {
        name: pa.array(
            [None if (text := record.values.get(name)) is None else _READERS[kind](text) for record in records],
            arrow_types[kind],
        )
        for name, kind in types.items()
    }
    columns["write_time"] = pa.array([datetime.fromtimestamp(written_at, UTC)] * len(records), moment, safe=False)
    invoked = [datetime.fromtimestamp(record.invoked_at, UTC) for record in records]
    columns["api_invocation_time"] = pa.array(invoked, moment, safe=False)
    columns["is_deleted"] = pa.array([record.is_deleted for record in records], pa.bool_())
    buffer = BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()
