"""Runs of starts: what begins soon after the first of a run belongs to that first one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def openings(keys: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], span: int) -> npt.NDArray[np.bool_]:
    """Mark the starts that open a run: the first of a key, and each next one at least ``span`` after the last opening.

    The span is counted from the opening of a run, not from the start before, so a long series is cut into several runs.

    Args:
        keys: who, as numbers; equal keys stand together.
        starts: when, in any unit; in order within a key.
        span: length of a run in that unit.

    Returns:
        One truth value per start.
    """
    place = np.arange(len(starts))
    opens = np.ones(len(starts), dtype=np.bool_)
    opens[1:] = (keys[1:] != keys[:-1]) | (np.diff(starts) >= span)
    while True:
        head = np.maximum.accumulate(np.where(opens, place, 0))
        beyond = starts - starts[head] >= span
        next_openings = beyond.copy()
        next_openings[1:] &= ~beyond[:-1]
        if not next_openings.any():
            return opens
        opens |= next_openings
