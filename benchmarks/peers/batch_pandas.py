"""Run by pandas' own Python: CSV in, the rows with their predictions out, file by file; prints what it took as JSON."""

import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd
import xgboost

folder, files = Path(sys.argv[1]), int(sys.argv[2])
started, cpu_started = time.perf_counter(), time.process_time()
booster = xgboost.Booster(model_file=folder / "model/model.ubj")
for number in range(files):
    rows = pd.read_csv(folder / f"rows{number}.csv", header=None)
    matrix = xgboost.DMatrix(rows.drop(columns=0).to_numpy())
    rows["prediction"] = booster.predict(matrix)
    rows.to_csv(folder / f"rows{number}.csv.out", header=False, index=False)
print(
    json.dumps(
        {
            "value": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu_started,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
