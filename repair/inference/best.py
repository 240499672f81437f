"""The one explanation that is most probable as a whole, in one pass up and one pass down a forest.

The same hidden things, and the same chances, as in :mod:`repair.inference.posterior`, with the greatest term in place of the sum:
which branches are faulted, what every device did, and the state of every node, all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.posterior import Chances, Evidence
from repair.inference.states import (
    BACK,
    BACK_UNHEARD,
    CLEARED,
    CLOSED_AGAIN,
    DARK,
    LIVE,
    OPENED,
    STATES,
    STAYED,
    UNCLEARED,
    UNHEARD,
    WAYS,
)

IMPOSSIBLE = -1e15
"""Log of a probability of zero, so that sums of such stay numbers."""


@dataclass(frozen=True, eq=False, repr=False)
class Explained(Shown):
    """One explanation of everything.

    Attributes:
        fault: whether each branch is faulted, shape (branches,).
        did: what each device did, :data:`~repair.inference.states.STAYED` and so on, shape (branches,).
        state: state of the node at the lower end of each, shape (branches,).
        log_weight: log-probability of this and of all that was heard, of the tree that each top is the top of; shape (tops,).
    """

    fault: Mask
    did: Indices
    state: Indices
    log_weight: Numbers


def transitions(chances: Chances, here: Indices) -> Numbers:
    """Return how probable each state of a lower node is.

    Returns:
        By fault current below, what the device did, and the state above; shape (branches, 3, 3, 5, 5).
    """
    refed, left = chances.refed[here], chances.left[here]
    enters = np.zeros((len(here), 3, 3, STATES, STATES))
    down = {DARK: DARK, UNHEARD: UNHEARD, BACK: DARK, BACK_UNHEARD: UNHEARD}
    enters[:, :, STAYED, LIVE, LIVE] = 1.0
    enters[:, :, OPENED, LIVE, DARK] = enters[:, :, CLOSED_AGAIN, LIVE, BACK] = 1.0
    for above, dead in down.items():
        again = BACK if dead == DARK else BACK_UNHEARD
        enters[:, :, OPENED, above, dead] = 1.0
        if above in {DARK, UNHEARD}:
            for did in (STAYED, CLOSED_AGAIN):
                enters[:, :, did, above, dead], enters[:, :, did, above, again] = 1 - refed, refed
        else:
            enters[:, :, STAYED, above, dead], enters[:, :, STAYED, above, again] = left, 1 - left
            enters[:, :, CLOSED_AGAIN, above, again] = 1.0
    found = np.zeros_like(enters)
    fails, works = chances.channel_fails, chances.channel_works
    for heard, unheard in ((DARK, UNHEARD), (BACK, BACK_UNHEARD)):
        found[..., heard] = (1 - fails) * enters[..., heard] + works * enters[..., unheard]
        found[..., unheard] = fails * enters[..., heard] + (1 - works) * enters[..., unheard]
    found[..., LIVE] = enters[..., LIVE]
    floats = [(STAYED, above) for above in down] + [(CLOSED_AGAIN, DARK), (CLOSED_AGAIN, UNHEARD)]
    for did, above in floats:
        found[:, :, did, above, LIVE] += chances.afloat
    return found


@dataclass(frozen=True, eq=False, repr=False)
class Best(Shown):
    """The best explanation of what was heard on a forest."""

    evidence: Evidence

    @cached_property
    def _levels(self) -> list[Indices]:
        """Branches of each depth; children of one branch stand together."""
        depth = depths(self.evidence.parent)
        order = np.argsort(depth, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(depth))]).tolist() if len(depth) else [0]
        levels = [order[first:last] for first, last in pairwise(bounds)]
        return [level[np.argsort(self.evidence.parent[level], kind="stable")] for level in levels]

    @cached_property
    def _upwards(self) -> tuple[Numbers, Numbers, Indices]:
        """Return by branch the best below its lower node and above its upper one, and the choice that the latter rests on.

        Shapes (branches, 3, 5): by fault current below the node and its state; by current above the branch and state there.
        """
        evidence = self.evidence
        count = len(evidence.parent)
        below, above = np.zeros((count, 3, STATES)), np.zeros((count, 3, STATES))
        below[:, 1:] = IMPOSSIBLE
        choice = np.zeros((count, 3, STATES), dtype=np.int64)
        for here in reversed(self._levels):
            below[here] += evidence.users[here][:, None]
            options = self._options(here, below[here])
            for current in range(3):
                of_way = [options[:, way] for way, (_, upper) in enumerate(WAYS) if upper == current]
                of_way += [options[:, 4 + way] for way, upper in enumerate((CLEARED, UNCLEARED)) if upper == current]
                number = [way for way, (_, upper) in enumerate(WAYS) if upper == current]
                number += [4 + way for way, upper in enumerate((CLEARED, UNCLEARED)) if upper == current]
                flat = np.stack(of_way, axis=1).transpose(0, 3, 1, 2, 4).reshape(len(here), STATES, -1)
                best = flat.argmax(axis=2)
                above[here, current] = np.take_along_axis(flat, best[..., None], axis=2)[..., 0]
                choice[here, current] = np.array(number)[best // (3 * STATES)] * 3 * STATES + best % (3 * STATES)
            parent = evidence.parent[here]
            if parent[0] >= 0:
                heads = np.flatnonzero(np.append(True, parent[1:] != parent[:-1]))
                below[parent[heads]] = joined(above[here], heads)
        return below, above, choice

    def _options(self, here: Indices, below: Numbers) -> Numbers:
        """Return the logs of all choices at some branches: four ways, then two with a fault of their own; (n, 6, 3, 5, 5)."""
        evidence = self.evidence
        with np.errstate(divide="ignore"):
            enters = np.maximum(np.log(transitions(evidence.chances, here)), IMPOSSIBLE)
            done = np.maximum(np.log(evidence.done[here]), IMPOSSIBLE)
            allowed = np.maximum(np.log(allowed_on_a_fault(evidence.chances.repaired[here])), IMPOSSIBLE).transpose(
                2, 0, 1
            )
            own = np.maximum(np.log(evidence.fault[here]), IMPOSSIBLE)[:, None, None, None]
            sound = np.maximum(np.log1p(-evidence.fault[here]), IMPOSSIBLE)[:, None, None, None]
        ways = [
            sound + done[:, way, :, None, None] + enters[:, lower] + below[:, lower][:, None, None]
            for way, (lower, _) in enumerate(WAYS)
        ]
        best = below.max(axis=1)[:, None, None]
        ways += [own + done[:, way, :, None, None] + enters[:, UNCLEARED] + allowed[..., None] + best for way in (2, 3)]
        return np.stack(ways, axis=1)

    @cached_property
    def explained(self) -> Explained:
        """The best explanation."""
        evidence = self.evidence
        below, above, choice = self._upwards
        count = len(evidence.parent)
        fault, did = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.int64)
        state, current = np.full(count, LIVE), np.zeros(count, dtype=np.int64)
        node = np.zeros(count, dtype=np.int64)
        tops = np.flatnonzero(evidence.parent < 0)
        for number, here in enumerate(self._levels):
            parent = evidence.parent[here]
            if number:
                over = state[parent]
                current[here] = shared(above[here], parent, node[parent], over)
            else:
                over = np.full(len(here), LIVE)
                current[here] = above[here, :, LIVE].argmax(axis=1)
            picked = choice[here, current[here], over]
            way, rest = picked // (3 * STATES), picked % (3 * STATES)
            fault[here], did[here], state[here] = way > 3, rest // STATES, rest % STATES
            lower = np.array([each[0] for each in WAYS] + [UNCLEARED] * 2)[way]
            freely = below[here, :, state[here]].argmax(axis=1)
            node[here] = np.where(way > 3, freely, lower)
        return Explained(fault, did, state, above[tops, :, LIVE].max(axis=1))


def _up_to(above: Numbers) -> Numbers:
    """Return the best of each child with no more than some current."""
    return np.asarray(np.maximum.accumulate(above, axis=1))


def joined(above: Numbers, heads: Indices) -> Numbers:
    """Return the best of the children of each branch together, whose greatest current is just that; shape (parents, 3, 5)."""
    up_to = _up_to(above)
    total = np.add.reduceat(up_to, heads, axis=0)
    loss = np.minimum.reduceat(up_to - above, heads, axis=0)
    return np.asarray(np.maximum(total - loss, IMPOSSIBLE))


def shared(above: Numbers, parent: Indices, current: Indices, state: Indices) -> Indices:
    """Return the current of each child, where all of one parent together have a given one in a given state; (children,)."""
    row = np.arange(len(parent))
    mine = above[row, :, state]
    best = np.where(np.arange(3) <= current[:, None], mine, 2 * IMPOSSIBLE).argmax(axis=1)
    loss = mine[row, best] - mine[row, current]
    order = np.lexsort((loss, parent))
    first = order[np.append(True, parent[order][1:] != parent[order][:-1])]
    best[first] = current[first]
    return np.asarray(best)


def depths(parent: Indices) -> Indices:
    """Return how many branches lie above each branch; a branch comes after all above it."""
    depth = np.zeros(len(parent), dtype=np.int64)
    above = parent.copy()
    while (alive := above >= 0).any():
        depth[alive] += 1
        above[alive] = parent[above[alive]]
    return depth


def allowed_on_a_fault(repaired: Numbers) -> Numbers:
    """Return what what a device did and the state above it are worth for a branch that is faulted itself; shape (3, 5, n).

    To close on a fault, or to be back above it, takes that it is repaired by now, or that its own device is open.
    """
    allowed = np.ones((3, STATES, len(repaired)))
    allowed[STAYED, BACK:] = allowed[CLOSED_AGAIN, BACK:] = allowed[CLOSED_AGAIN, LIVE] = repaired
    return allowed
