"""The kinds of array that the network is made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
"""Rows of a table, nodes, or places in depth-first order; -1 is none."""

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
