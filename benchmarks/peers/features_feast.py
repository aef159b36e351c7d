"""Run by Feast's own Python: a point-in-time join with its DuckDB offline store; prints what it took as JSON."""

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64

folder, features = Path(sys.argv[1]), sys.argv[2].split(",")
entity = Entity(name="entity", join_keys=["entity"])
view = FeatureView(
    name="records",
    entities=[entity],
    ttl=timedelta(0),
    schema=[Field(name=name, dtype=Float64) for name in features],
    source=FileSource(
        path=str(folder / "records.parquet"), timestamp_field="event_timestamp", created_timestamp_column="known_at"
    ),
    online=False,
)
config = RepoConfig(
    project="bench",
    registry=str(folder / "registry.db"),
    provider="local",
    offline_store={"type": "duckdb"},
    online_store=None,
    entity_key_serialization_version=3,
)
store = FeatureStore(config=config)
store.apply([entity, view])
started, cpu_started = time.perf_counter(), time.process_time()
asked = pd.read_parquet(folder / "asked.parquet")
found = store.get_historical_features(asked, [f"records:{name}" for name in features]).to_df()
took = {"value": time.perf_counter() - started, "cpu_s": time.process_time() - cpu_started}
found.to_parquet(folder / "feast.parquet")
print(json.dumps({**took, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
