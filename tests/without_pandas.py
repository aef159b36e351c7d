"""Import this first, and the process has no pandas: as the Lambda layer and the image have none.

Where pandas is installed pyarrow loads it by itself, so that looking for it in sys.modules would prove nothing.
"""

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(f"{name} is hidden by tests/without_pandas.py", name=name)


sys.meta_path.insert(0, _NoPandas())
