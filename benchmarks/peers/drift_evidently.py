"""Run by Evidently's own Python: the data drift preset on the same rows; prints what it took as JSON."""

import json
import resource
import sys
import time

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

started, cpu_started = time.perf_counter(), time.process_time()
current, reference = (pd.read_parquet(path) for path in sys.argv[1:3])
Report([DataDriftPreset()]).run(current, reference).json()
print(
    json.dumps(
        {
            "value": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu_started,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
