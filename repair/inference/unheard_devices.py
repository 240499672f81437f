"""What devices of which nothing was heard may have done, and how nodes change along their branches, compiled."""

from __future__ import annotations

import math

from network.arrays import Indices, Numbers
from network.compiled import compiled


@compiled
def fill_unheard(
    place: Indices, event: Indices, age_h: Numbers, kind: Indices, by_kind: Numbers, parted: Numbers, refed: Numbers,
    left: Numbers, repair_h: Numbers, limits: Numbers, done: Numbers, moves: Numbers, repaired: Numbers,
) -> None:  # fmt: skip
    """Fill in what follows for each node.

    Args:
        place: of each node, shape (nodes,).
        event: of each, shape (nodes,).
        age_h: hours since each event began, shape (events,).
        kind: of the device at each place, shape (places,).
        by_kind: of each kind what it may have done in each way but parting, first by what is open and then by what is closed
            again, and last what parting adds; shape (kinds, 5, 3).
        parted: probability that the line to each place parted, shape (places,).
        refed: see :class:`repair.inference.posterior.Chances`, shape (places, 3).
        left: likewise.
        repair_h: hours that a repair takes on average, shape (places,).
        limits: what a repair is probable by at least, and what a closing again is; shape (2,).
        done: filled in, see :class:`repair.inference.posterior.Evidence`, shape (nodes, 4, 3).
        moves: filled in with what is fed again, and what is left dead, shape (nodes, 2, 3).
        repaired: filled in with how probable a repair by now is, shape (nodes,).
    """
    for node in range(len(place)):
        at = place[node]
        mended = min(max(-math.expm1(-age_h[event[node]] / repair_h[at]), limits[0]), 1.0)
        repaired[node] = mended
        back = max(mended, limits[1])
        for way in range(4):
            done[node, way, 0] = by_kind[kind[at], way, 0]
            done[node, way, 1] = by_kind[kind[at], way, 1] * (1 - back)
            done[node, way, 2] = by_kind[kind[at], way, 2] * back
        done[node, 0, 0] += parted[at] * by_kind[kind[at], 4, 0]
        done[node, 0, 1] += parted[at] * by_kind[kind[at], 4, 1] * (1 - back)
        done[node, 0, 2] += parted[at] * by_kind[kind[at], 4, 2] * back
        for current in range(3):
            moves[node, 0, current] = refed[at, current]
            moves[node, 1, current] = left[at, current] * (1 - mended)
