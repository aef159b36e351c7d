"""Reading predictions as a data scientist would: one call of awswrangler, in a process that may import pandas."""

import os
import subprocess
import sys
from typing import Any

from comal.cli.target import Target
from comal.errors import PlatformError

_READ = "import sys, awswrangler as wr; print(len(wr.s3.read_parquet_table(table=sys.argv[1], database=sys.argv[2])))"


def read_predictions(target: Target, scored: dict[str, Any]) -> int:
    """Rows of the predictions' table.

    Args:
        target: The stack.
        scored: An answer of `score.follow_scoring`.

    Raises:
        PlatformError: They cannot be read.
    """
    connection = target.connection
    credentials = {
        "AWS_ENDPOINT_URL": connection.endpoint_url,
        "AWS_ACCESS_KEY_ID": connection.access_key,
        "AWS_SECRET_ACCESS_KEY": connection.secret_key,
        "AWS_DEFAULT_REGION": connection.region,
    }
    known = {name: value for name, value in credentials.items() if value}
    command = [sys.executable, "-W", "ignore", "-c", _READ, scored["table"], scored["database"]]
    done = subprocess.run(command, env={**os.environ, **known}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlatformError(
            f"awswrangler cannot read {scored['database']}.{scored['table']}: {done.stderr.strip()[-500:]}",
            next_step="Run: comal doctor",
        )
    return int(done.stdout)
