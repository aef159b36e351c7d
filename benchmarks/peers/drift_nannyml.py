"""Run by NannyML's own Python: univariate drift (KS, chi-square) on the same rows; prints what it took as JSON."""

import json
import resource
import sys
import time

import nannyml
import pandas as pd

started, cpu_started = time.perf_counter(), time.process_time()
current, reference = (pd.read_parquet(path) for path in sys.argv[1:3])
calculator = nannyml.UnivariateDriftCalculator(
    column_names=list(reference.columns),
    continuous_methods=["kolmogorov_smirnov"],
    categorical_methods=["chi2"],
    chunk_number=1,
)
calculator.fit(reference)
calculator.calculate(current)
print(
    json.dumps(
        {
            "value": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu_started,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
