"""The passes of :mod:`repair.inference.best`, compiled: from the leaves up with the best of every choice, and back down by it.

All weights are logs; what cannot be has :data:`IMPOSSIBLE`. A choice at a branch is the way of fault current through it (the four
of :data:`~repair.inference.states.WAYS`, then the last two with a fault of its own), what its device did, and the state of its
lower node.
"""

from __future__ import annotations

import math

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.compiled import compiled
from repair.inference.states import (
    BACK,
    BACK_UNHEARD,
    CLEARED,
    CLOSED_AGAIN,
    DARK,
    IMPOSSIBLE,
    LIVE,
    OPENED,
    QUIET,
    STATES,
    STAYED,
    UNCLEARED,
    UNHEARD,
)

LOWER = (QUIET, CLEARED, UNCLEARED, UNCLEARED, UNCLEARED, UNCLEARED)
UPPER = (QUIET, CLEARED, CLEARED, UNCLEARED, CLEARED, UNCLEARED)
DONE = (0, 1, 2, 3, 2, 3)
"""Of each way: fault current below the branch and above it, and the row of what devices did."""

FREELY = 4
"""Ways from here on have a fault of the branch itself: what flows below it is free."""


@compiled
def _log(share: float) -> float:
    return max(math.log(share), IMPOSSIBLE) if share > 0 else IMPOSSIBLE


@compiled
def _enters(refed: float, left: float, chances: Numbers, room: Numbers, found: Numbers) -> None:
    """Fill in how probable each state of a lower node is, as log, by what the device did and the state above, (3, 5, 5).

    ``chances`` are that a channel fails, that it works again, that something is afloat; ``room`` is to work in, (3, 5, 5).
    """
    room[:] = 0.0
    room[STAYED, LIVE, LIVE] = room[OPENED, LIVE, DARK] = room[CLOSED_AGAIN, LIVE, BACK] = 1.0
    for above in (DARK, UNHEARD, BACK, BACK_UNHEARD):
        dead, again = (DARK, BACK) if above in (DARK, BACK) else (UNHEARD, BACK_UNHEARD)
        room[OPENED, above, dead] = 1.0
        if above in (DARK, UNHEARD):
            for did in (STAYED, CLOSED_AGAIN):
                room[did, above, dead], room[did, above, again] = 1 - refed, refed
        else:
            room[STAYED, above, dead], room[STAYED, above, again] = left, 1 - left
            room[CLOSED_AGAIN, above, again] = 1.0
    fails, works, afloat = chances
    for did in range(3):
        for above in range(STATES):
            row, out = room[did, above], found[did, above]
            live = row[LIVE]
            if above != LIVE and (did == STAYED or (did == CLOSED_AGAIN and above in (DARK, UNHEARD))):
                live += afloat
            out[LIVE] = _log(live)
            for heard, unheard in ((DARK, UNHEARD), (BACK, BACK_UNHEARD)):
                out[heard] = _log((1 - fails) * row[heard] + works * row[unheard])
                out[unheard] = _log(fails * row[heard] + (1 - works) * row[unheard])


@compiled
def _allowed(did: int, above: int, repaired: float) -> float:
    """Return what a choice is worth for a branch that is faulted itself, as log.

    To close on a fault, or to be back above it, takes that it is repaired by now, or that its own device is open.
    """
    is_back = above in (BACK, BACK_UNHEARD)
    asks = (did == STAYED and is_back) or (did == CLOSED_AGAIN and (is_back or above == LIVE))
    return repaired if asks else 0.0


@compiled
def _says(
    below: Numbers, prior: float, done: Numbers, repaired: float, enters: Numbers, above: Numbers, choice: Indices
) -> None:
    """Fill in the best above a branch, and the choice that it rests on, by current above it and state there, both (3, 5).

    ``below`` is the best of what lies at and below its lower node, (3, 5), and ``enters`` that of :func:`_enters` for each
    current below, (3, 3, 5, 5).
    """
    above[:] = 2 * IMPOSSIBLE
    own, sound, mended = _log(prior), _log(1 - prior), _log(repaired)
    for way in range(len(LOWER)):
        lower, upper = LOWER[way], UPPER[way]
        first = own if way >= FREELY else sound
        for did in range(3):
            acted = first + _log(done[DONE[way], did])
            for over in range(STATES):
                worth = acted + (_allowed(did, over, mended) if way >= FREELY else 0.0)
                for state in range(STATES):
                    rest = below[lower, state]
                    if way >= FREELY:
                        rest = max(below[0, state], below[1, state], below[2, state])
                    value = worth + enters[lower, did, over, state] + rest
                    if value > above[upper, over]:
                        above[upper, over] = value
                        choice[upper, over] = (way * 3 + did) * STATES + state


@compiled
def _join(together: Numbers, other: Numbers) -> None:
    """Put the best of one more child to that of some children, by the greatest current of all and the state, both (3, 5)."""
    for state in range(STATES):
        mine, theirs = together[0, state], other[0, state]
        quiet = mine + theirs
        cleared = max(together[1, state] + max(theirs, other[1, state]), mine + other[1, state])
        mine, theirs = max(mine, together[1, state]), max(theirs, other[1, state])
        uncleared = max(together[2, state] + max(theirs, other[2, state]), mine + other[2, state])
        together[0, state] = max(quiet, IMPOSSIBLE)
        together[1, state] = max(cleared, IMPOSSIBLE)
        together[2, state] = max(uncleared, IMPOSSIBLE)


@compiled
def best_upwards(
    parent: Indices, users: Numbers, fault: Numbers, done: Numbers, moves: Numbers, repaired: Numbers, chances: Numbers,
    below: Numbers, above: Numbers, choice: Indices,
) -> None:  # fmt: skip
    """Fill in the best of what lies at and below each branch, of what it says to the one above, and the choice for that.

    Args:
        parent: the branch above each, which comes before it; -1 for a top; shape (n,).
        users: log-likelihood of what users of each lower node said, by its state, shape (n, 5).
        fault: prior of a fault of each, shape (n,).
        done: see :class:`repair.inference.posterior.Evidence`, shape (n, 4, 3).
        moves: ``refed`` and ``left`` of the chances, shape (n, 2, 3).
        repaired: likewise, shape (n,).
        chances: a channel fails, works again, something is afloat; shape (3,).
        below: zero without fault current and impossible with some on entry, shape (n, 3, 5).
        above: what each says, shape (n, 3, 5).
        choice: what that rests on, shape (n, 3, 5).
    """
    enters, room = np.empty((3, 3, STATES, STATES)), np.empty((3, STATES, STATES))
    for branch in range(len(parent) - 1, -1, -1):
        here = below[branch]
        for current in range(3):
            _enters(moves[branch, 0, current], moves[branch, 1, current], chances, room, enters[current])
            for state in range(STATES):
                here[current, state] += users[branch, state]
        _says(here, fault[branch], done[branch], repaired[branch], enters, above[branch], choice[branch])
        if parent[branch] >= 0:
            _join(below[parent[branch]], above[branch])


@compiled
def _best_current(above: Numbers, most: int, over: int) -> int:
    """Return the best current of a child, no greater than one, for the state of the node above."""
    best = 0
    for current in range(1, most + 1):
        if above[current, over] > above[best, over]:
            best = current
    return best


@compiled
def _share(above: Numbers, first: int, following: Indices, most: int, over: int, flow: Indices) -> None:
    """Fill in the current of each child of a node, of which the first is given: the greatest is just what the node has."""
    least, forced, child = np.inf, -1, first
    while child >= 0:
        flow[child] = _best_current(above[child], most, over)
        loss = above[child, flow[child], over] - above[child, most, over]
        if loss < least:
            least, forced = loss, child
        child = following[child]
    if forced >= 0:
        flow[forced] = most


@compiled
def best_downwards(
    parent: Indices, below: Numbers, above: Numbers, choice: Indices, fault: Mask, did: Indices, state: Indices
) -> None:
    """Fill in the best choice of each branch: whether it is faulted, what its device did, the state of its lower node; (n,).

    The others are those of :func:`best_upwards`.
    """
    count = len(parent)
    first, following = np.full(count, -1), np.full(count, -1)
    for branch in range(count - 1, -1, -1):
        if parent[branch] >= 0:
            following[branch], first[parent[branch]] = first[parent[branch]], branch
    flow = np.zeros(count, dtype=np.int64)
    for branch in range(count):
        over = LIVE if parent[branch] < 0 else state[parent[branch]]
        if parent[branch] < 0:
            flow[branch] = _best_current(above[branch], 2, LIVE)
        picked = choice[branch, flow[branch], over]
        way, rest = picked // (3 * STATES), picked % (3 * STATES)
        fault[branch], did[branch], state[branch] = way >= FREELY, rest // STATES, rest % STATES
        most = LOWER[way]
        if way >= FREELY:
            most = _best_current(below[branch], 2, state[branch])
        _share(above, first[branch], following, most, state[branch], flow)
