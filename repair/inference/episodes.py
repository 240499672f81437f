"""Episodes: what happens within one window of minutes belongs together."""

from __future__ import annotations

import numpy as np

from network.arrays import Indices


def episodes(key: Indices, time: Indices, window: int) -> Indices:
    """Return the episode of each item: of the same key, and within one window.

    The window that holds most items of a key is one episode (of several such, the earliest); what lies before and after it is
    divided likewise. So a lone signal shortly before an event does not tear the event apart, and the answer does not depend
    on the order of arrival.

    Args:
        key: what the item belongs to, shape (items,), rising.
        time: when it begins, shape (items,), rising within each key.
        window: length of the window, in the unit of ``time``; an item at its very end belongs to it.

    Returns:
        Numbers from 0, rising with key and time, shape (items,).
    """
    if not len(key):
        return np.zeros(0, dtype=np.int64)
    begins = np.ones(len(key), dtype=np.bool_)
    begins[1:] = (key[1:] != key[:-1]) | (np.diff(time) > window)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(key))
    long = time[last - 1] - time[first] > window
    for start, stop in zip(first[long].tolist(), last[long].tolist(), strict=True):
        begins[start + np.array(_fullest_windows(time[start:stop], window))] = True
    return np.cumsum(begins) - 1


def _fullest_windows(time: Indices, window: int) -> list[int]:
    """Return where episodes begin among times without a gap longer than the window."""
    stop = np.searchsorted(time, time + window, side="right")
    starts = []
    undivided = [(0, len(time))]
    while undivided:
        begin, end = undivided.pop()
        last = np.minimum(stop[begin:end], end)
        fullest = begin + int((last - np.arange(begin, end)).argmax())
        starts.append(fullest)
        if begin < fullest:
            undivided.append((begin, fullest))
        if stop[fullest] < end:
            undivided.append((int(stop[fullest]), end))
    return starts
