"""Which spans of time overlap: found by sorting, so that a user with thousands of interruptions costs no square of them."""

from __future__ import annotations

import numpy as np
import polars as pl

from network.arrays import Indices


def overlapping(first: pl.DataFrame, second: pl.DataFrame, key: str) -> tuple[Indices, Indices]:
    """Return every pair of a row of ``first`` and a row of ``second`` with one key whose times overlap.

    Args:
        first: ``key``, ``start`` and ``end``; each ends after it starts, or is open (null).
        second: the same.
        key: a column of whole numbers or texts.

    Returns:
        The positions in ``first`` and in ``second``, shape (pairs,) each, in order of the first and then the second.
    """
    both = pl.concat([each.select(key, "start", "end") for each in (first, second)])
    if first.is_empty() or second.is_empty():
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    start, end = both["start"].to_physical(), both["end"].to_physical()
    moments = np.unique(pl.concat([start, end.drop_nulls()]).to_numpy())
    line = both[key].rank("dense").cast(pl.Int64).to_numpy() * (len(moments) + 1)
    starts = line + np.searchsorted(moments, start.to_numpy())
    ends = line + np.where(end.is_null(), len(moments), np.searchsorted(moments, end.fill_null(0).to_numpy()))
    half = first.height
    in_first, in_second = slice(None, half), slice(half, None)
    one, later = _starting_within(starts[in_first], ends[in_first], starts[in_second])
    other, earlier = _starting_within(starts[in_second] + 1, ends[in_second], starts[in_first])
    left, right = np.concatenate([one, earlier]), np.concatenate([later, other])
    order = np.lexsort((right, left))
    return left[order], right[order]


def _starting_within(since: Indices, until: Indices, starts: Indices) -> tuple[Indices, Indices]:
    """Return every pair of a span, from its first moment until before its last, and a start that lies in it."""
    order = np.argsort(starts, kind="stable")
    sorted_starts = starts[order]
    begin, stop = np.searchsorted(sorted_starts, since), np.searchsorted(sorted_starts, until)
    count = np.maximum(stop - begin, 0)
    span = np.repeat(np.arange(len(since)), count)
    within = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count)
    return span, order[np.repeat(begin, count) + within]
