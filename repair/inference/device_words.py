"""What switching devices and their sensors reported, and how probable that is by what the device did."""

from __future__ import annotations

import numpy as np

from network.arrays import Indices, Mask, Numbers
from repair.inference.words import OFF, RECLOSE
from repair.settings import InferenceSettings

NOTHING_SAID, OPEN, OPEN_AFTER_RECLOSE, RECLOSED, CLOSED, ONLY_CLOSED = range(6)
"""What a device said: nothing; its trip last; a trip after a reclosing; a reclosing last; a closing last; just that it closed."""


def flag_likelihoods(seen: Mask, miss: Numbers, false: Numbers, kept: float) -> Numbers:
    """Return how probable what each sensor reports is, by fault current, shape (sensors, 3).

    Args:
        seen: whether it reports fault current.
        miss: how often it misses one.
        false: how often it reports one that is not.
        kept: how probable it is that a flag is kept once a device further down has cleared the fault.
    """
    sees = np.stack([false, kept * (1 - miss) + (1 - kept) * false, 1 - miss], axis=1)
    return np.where(seen[:, None], sees, 1 - sees)


def categories(node: Indices, kind: Indices, time: Indices) -> tuple[Indices, Indices]:
    """Return each node whose device spoke, and what it said in all."""
    order = np.lexsort((kind, time, node))
    node, kind = node[order], kind[order]
    at, head = np.unique(node, return_index=True)
    last = kind[np.append(head, len(node))[1:] - 1]
    group = np.cumsum(np.append(True, node[1:] != node[:-1])[: len(node)]) - 1
    trips, recloses = (np.bincount(group, kind == which, len(at)) > 0 for which in (OFF, RECLOSE))
    category = np.where(
        last == OFF, np.where(recloses, OPEN_AFTER_RECLOSE, OPEN), np.where(last == RECLOSE, RECLOSED, CLOSED)
    )
    return at, np.where((last != OFF) & ~trips, ONLY_CLOSED, category)


def word_likelihoods(category: Indices, loss: Numbers, rules: InferenceSettings) -> Numbers:
    """Return how probable the words of each device are if it did nothing, reclosed by itself, is open, was open and is closed."""
    false = np.full(len(loss), rules.false_trip)
    heard = 1 - loss
    table = np.stack(
        [
            np.stack([1 - false, loss**2, loss, loss * np.maximum(loss, 0.5)], axis=1),
            np.stack([false, heard * loss, heard, heard * 0.3], axis=1),
            np.stack([false**2, false, heard**2, heard**2 * 0.3], axis=1),
            np.stack([false, heard**2, heard * loss, heard * 0.3], axis=1),
            np.stack([false, heard * loss, false, heard**2 * 0.5], axis=1),
            np.stack([false * 10, heard * loss, false, loss * 0.5], axis=1),
        ]
    )
    return np.asarray(table[category, np.arange(len(loss))])
