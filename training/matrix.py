"""The matrix that models read: rows by features in float32, NaN where a value is missing."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

# A float32 cannot hold every double: beyond this the largest float32 is taken, in training and in serving alike.
FLOAT32_MAX = float(np.finfo(np.float32).max)
