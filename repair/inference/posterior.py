"""What is out, exactly: the posterior of faults, cuts and supply on a forest, in one pass up and one pass down.

Hidden are, for every branch, whether it is faulted, what its device did about it, and the state of the node at its lower end.
A fault sends fault current along the way to its source, until the nearest protective device clears it; who is dark follows from
what opened; what was heard and not heard follows from who is dark. Every message between a branch and what lies above it is a
table of (fault current, state of the node above), so that sums over all explanations are products over children (field
reference 6.3 and 7.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from network.arrays import Indices, Numbers
from network.representation import Shown

LIVE, DARK, UNHEARD, BACK, BACK_UNHEARD = range(5)
"""States of a node: never off in this event; off; off, and its channel is down; back again; back, and its channel is down."""

STATES = 5

QUIET, CLEARED, UNCLEARED = range(3)
"""Fault current at the upper end of a branch: none; some, cleared by a device further down; some that nothing has cleared."""

PASSES = 4
"""Ways of fault current through a branch: none stays none, cleared stays cleared, it is cleared here, it goes on."""

STAYED, OPENED, CLOSED_AGAIN = range(3)
"""What a device did: it is closed as before (or reclosed by itself at once); it is open; it was open and is closed again."""

_TINY = 1e-300


@dataclass(frozen=True, eq=False, repr=False)
class Chances(Shown):
    """How nodes change along a branch.

    Attributes:
        refed: how probable it is that what lies below a branch is fed another way while above it is dead, by fault current
            below the branch: with a fault there it is not; shape (branches, 3).
        left: how probable it is that what lies below a branch stays dead when supply above it is back, likewise: with a fault
            there it may be; shape (branches, 3).
        repaired: how probable it is that a fault there is repaired by now: till then nobody can be back through it; shape
            (branches,).
        channel_fails: how probable it is that the channel of reports is down from a branch on.
        channel_works: how probable it is that it works again further down.
        afloat: how probable it is that something below a dead node is live all the same: generation, or a wrong connection.
    """

    refed: Numbers
    left: Numbers
    repaired: Numbers
    channel_fails: float = 0.003
    channel_works: float = 0.05
    afloat: float = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Evidence(Shown):
    """A forest of branches, and what was heard of it; the source above each top is live.

    Attributes:
        parent: the branch above each, -1 for a top; branches stand in depth-first order; shape (branches,).
        fault: prior probability of a fault on each, shape (branches,).
        done: prior probability times likelihood of what each device did, by :data:`PASSES` and by :data:`STAYED`,
            :data:`OPENED`, :data:`CLOSED_AGAIN`; what sensors saw included; shape (branches, 4, 3).
        users: log-likelihood of what was heard and not heard of the users at the lower end, by state; shape (branches, 5).
        chances: how nodes change along each branch.
    """

    parent: Indices
    fault: Numbers
    done: Numbers
    users: Numbers
    chances: Chances


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Shown):
    """All that follows; everything is computed when it is first asked for.

    Attributes:
        evidence: what was heard.
    """

    evidence: Evidence

    # Levels -------------------------------------------------------------------------------------------------------

    @cached_property
    def _order(self) -> tuple[Indices, list[tuple[int, int]]]:
        """Branches by depth, and the span of each depth; children of one branch stand together, in the order of the branches."""
        parent = self.evidence.parent
        depth = depths(parent)
        order = np.argsort(depth, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(depth))]).tolist() if len(depth) else [0]
        return order, list(pairwise(bounds))

    @cached_property
    def _sorted(self) -> Evidence:
        order, _ = self._order
        given = self.evidence
        rank = np.empty(len(order) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(order)), -1
        chances = given.chances
        return Evidence(
            rank[given.parent[order]],
            given.fault[order],
            given.done[order],
            given.users[order],
            replace(chances, refed=chances.refed[order], left=chances.left[order], repaired=chances.repaired[order]),
        )

    # Upwards ------------------------------------------------------------------------------------------------------

    @cached_property
    def _upwards(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Return what lies at and below each branch, by depth.

        Returns:
            ``below``, table of (fault current below the branch, state of its lower node) without a fault of its own, scaled,
            shape (n, 3, 5); ``all_below``, the same summed over fault current, shape (n, 5); ``said``, logs of what the children
            say together, and ``say``, logs of what the branch says to the one above, both of shape (n, 3, 5): their total, and
            the shares of it without uncleared, and then without any, fault current.
        """
        evidence, (_, levels) = self._sorted, self._order
        count = len(evidence.parent)
        below, all_below = np.zeros((count, 3, STATES)), np.zeros((count, STATES))
        said, say = np.zeros((count, 3, STATES)), np.zeros((count, 3, STATES))
        for first, last in reversed(levels):
            here = slice(first, last)
            total = said[here, 0] + evidence.users[here]
            scale = total.max(axis=1, keepdims=True)
            all_below[here] = np.exp(total - scale)
            below[here] = split(all_below[here], said[here, 1], said[here, 2])
            message = up_a_branch(
                below[here], all_below[here], evidence.fault[here], evidence.done[here], evidence.chances, here
            )
            say[here] = merged(message)
            say[here, 0] += scale
            parent = evidence.parent[here]
            if parent[0] >= 0:
                heads = np.append(True, parent[1:] != parent[:-1])
                said[parent[heads]] = np.add.reduceat(say[here], np.flatnonzero(heads), axis=0)
        return below, all_below, said, say

    @cached_property
    def log_evidence(self) -> Numbers:
        """Log-probability of all that was heard, of the tree that each top is the top of; shape (tops,)."""
        _, _, _, say = self._upwards
        tops = np.flatnonzero(self._sorted.parent < 0)
        return np.asarray(say[tops, 0, LIVE])

    # Downwards ----------------------------------------------------------------------------------------------------

    @cached_property
    def _downwards(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        evidence, (order, levels) = self._sorted, self._order
        below, all_below, said, say = self._upwards
        count = len(order)
        above = np.full((count, 3, STATES), -np.inf)
        state, fault, flow = np.zeros((count, STATES)), np.zeros(count), np.zeros((count, 2))
        did = np.zeros((count, 3))
        for number, (first, last) in enumerate(levels):
            here = slice(first, last)
            if number:
                parent = evidence.parent[here]
                outside = others(above[parent], said[parent] - say[here])
            else:
                outside = np.zeros((last - first, 3, STATES))
                outside[:, :, LIVE] = 1.0
            used = passed(outside, evidence.done[here])
            on_fault = used[:, UNCLEARED:] * allowed_on_a_fault(evidence.chances.repaired[here])[:, None]
            arriving = down_a_branch(used, evidence.chances, here)
            faulted = down_a_branch(on_fault, evidence.chances, here, (UNCLEARED,))[:, 0]
            own = evidence.fault[here]
            sound = below[here] * (1 - own)[:, None, None]
            broken = all_below[here] * own[:, None]
            joint = arriving * sound
            with_own = faulted * all_below[here]
            total = np.maximum(joint.sum(axis=(1, 2)) + own * with_own.sum(axis=1), _TINY)[:, None]
            state[here] = (joint.sum(axis=1) + own[:, None] * with_own) / total
            flow[here] = joint[:, 1:].sum(axis=2) / total
            flow[here, 1] += own * with_own.sum(axis=1) / total[:, 0]
            fault[here] = with_own.sum(axis=1) / total[:, 0]
            did[here] = what_it_did(used, sound, evidence.chances) / total
            did[here] += what_it_did(on_fault, broken[:, None], evidence.chances) / total
            mixed = (1 - own)[:, None, None] * arriving + (own[:, None] * faulted)[:, None]
            above[here] = np.log(np.maximum(mixed, _TINY)) + evidence.users[here][:, None]
        back = np.empty(count, dtype=np.int64)
        back[order] = np.arange(count)
        return state[back], fault[back], flow[back], did[back]

    @property
    def state(self) -> Numbers:
        """Probability of each state of the node at the lower end of each branch, shape (branches, 5)."""
        return self._downwards[0]

    @property
    def dark(self) -> Numbers:
        """Probability that the lower end of each branch is dead now, shape (branches,)."""
        return np.asarray(self.state[:, DARK] + self.state[:, UNHEARD])

    @property
    def fault(self) -> Numbers:
        """Probability of a fault on each branch, shape (branches,)."""
        return self.evidence.fault * self._downwards[1]

    @property
    def with_fault(self) -> Numbers:
        """How much better all is explained with a fault on each branch than without knowing of it, shape (branches,).

        Where faults are held impossible everywhere, this is the likelihood of just one fault there, relative to none.
        """
        return self._downwards[1]

    @property
    def flow(self) -> Numbers:
        """Probability that fault current entered each branch, and something below cleared it, or nothing did; (branches, 2)."""
        return self._downwards[2]

    @property
    def opened(self) -> Numbers:
        """Probability that each device is open now, whatever lies above, shape (branches,)."""
        return np.asarray(self._downwards[3][:, 2])

    @property
    def cut(self) -> Numbers:
        """Probability that an outage begins at each branch, above which it was live; shape (branches, 2).

        The first is that it is open now; the second that it was, and is closed again.
        """
        return np.asarray(self._downwards[3][:, :2])


def depths(parent: Indices) -> Indices:
    """Return how many branches lie above each branch; a branch comes after all above it."""
    depth = np.zeros(len(parent), dtype=np.int64)
    above = parent.copy()
    while (alive := above >= 0).any():
        depth[alive] += 1
        above[alive] = parent[above[alive]]
    return depth


def split(total: Numbers, without_uncleared: Numbers, without_any: Numbers) -> Numbers:
    """Return the shares of a total by fault current, from the logs of its shares without some; shape (n, 3, 5)."""
    calm = np.exp(without_uncleared)
    return np.stack(
        [
            total * calm * np.exp(without_any),
            total * calm * -np.expm1(without_any),
            total * -np.expm1(without_uncleared),
        ],
        axis=1,
    )


def merged(message: Numbers) -> Numbers:
    """Return the logs by which messages multiply over children: total, share without uncleared, then without any current."""
    calm = message[:, QUIET] + message[:, CLEARED]
    total = np.maximum(calm + message[:, UNCLEARED], _TINY)
    uncleared = np.minimum(message[:, UNCLEARED] / total, 1 - 1e-16)
    cleared = np.minimum(message[:, CLEARED] / np.maximum(calm, _TINY), 1 - 1e-16)
    return np.stack([np.log(total), np.log1p(-uncleared), np.log1p(-cleared)], axis=1)


def allowed_on_a_fault(repaired: Numbers) -> Numbers:
    """Return what what a device did and the state above it are worth for a branch that is faulted itself; shape (n, 3, 5).

    To close on a fault, or to be back above it, takes that it is repaired by now, or that its own device is open.
    """
    allowed = np.ones((len(repaired), 3, STATES))
    again = repaired[:, None]
    allowed[:, STAYED, BACK:] = again
    allowed[:, CLOSED_AGAIN, BACK:] = again
    allowed[:, CLOSED_AGAIN, LIVE] = repaired
    return allowed


def _along_channel(below: Numbers, chances: Chances) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return what lies below for one who enters dark or back, each by a channel that works and by one that is down."""
    fails, works = chances.channel_fails, chances.channel_works
    dark, unheard, back, back_unheard = (below[..., state] for state in (DARK, UNHEARD, BACK, BACK_UNHEARD))
    return (
        (1 - fails) * dark + fails * unheard,
        works * dark + (1 - works) * unheard,
        (1 - fails) * back + fails * back_unheard,
        works * back + (1 - works) * back_unheard,
    )


def up_a_branch(
    below: Numbers, all_below: Numbers, fault: Numbers, done: Numbers, chances: Chances, here: slice
) -> Numbers:
    """Return what a branch says to the node above it, by fault current and state of that node; shape (n, 3, 5).

    Args:
        below: what lies below if the branch is sound, by fault current and state of its lower node, shape (n, 3, 5).
        all_below: the same, summed over fault current; shape (n, 5).
        fault: prior of a fault of its own, shape (n,).
        done: what its device did, shape (n, 4, 3).
        chances: how nodes change, of all branches.
        here: which these are.
    """
    own = fault[:, None, None]
    tables = np.concatenate([below * (1 - own), all_below[:, None] * own], axis=1)
    currents = (QUIET, CLEARED, UNCLEARED, UNCLEARED)
    dark, unheard, back, back_unheard = _along_channel(tables, chances)
    live = tables[..., LIVE]
    refed, left = chances.refed[here][:, currents], chances.left[here][:, currents]
    floating = chances.afloat * live
    held = (1 - refed) * dark + refed * back + floating, (1 - refed) * unheard + refed * back_unheard + floating
    stayed = np.stack(
        [
            live,
            *held,
            (1 - left) * back + left * dark + floating,
            (1 - left) * back_unheard + left * unheard + floating,
        ],
        axis=2,
    )
    opened = np.stack([dark, dark, unheard, dark, unheard], axis=2)
    closed = np.stack([back, *held, back, back_unheard], axis=2)
    allowed = allowed_on_a_fault(chances.repaired[here])
    stayed[:, 3] *= allowed[:, STAYED]
    closed[:, 3] *= allowed[:, CLOSED_AGAIN]
    for each in (stayed, opened, closed):
        each[:, UNCLEARED] += each[:, 3]
    worked = [
        done[:, way, STAYED, None] * stayed[:, current]
        + done[:, way, OPENED, None] * opened[:, current]
        + done[:, way, CLOSED_AGAIN, None] * closed[:, current]
        for way, current in enumerate((QUIET, CLEARED, UNCLEARED, UNCLEARED))
    ]
    return np.stack([worked[0], worked[1] + worked[2], worked[3]], axis=1)


def others(above: Numbers, siblings: Numbers) -> Numbers:
    """Return the weight of all else, by fault current at the upper end of a branch and state of the node there.

    Args:
        above: log-weight of what lies outside the node above, by fault current of all its children together; shape (n, 3, 5).
        siblings: logs of what its other children say together, as :func:`merged`; shape (n, 3, 5).
    """
    logs = above + siblings[:, :1]
    weight = np.exp(logs - logs.max(axis=(1, 2), keepdims=True))
    share = split(np.ones_like(siblings[:, 0]), np.minimum(siblings[:, 1], 0.0), np.minimum(siblings[:, 2], 0.0))
    quiet, cleared, uncleared = (share[:, level] for level in range(3))
    with_uncleared = weight[:, UNCLEARED] * uncleared
    return np.stack(
        [
            weight[:, QUIET] * quiet + weight[:, CLEARED] * cleared + with_uncleared,
            weight[:, CLEARED] * (quiet + cleared) + with_uncleared,
            weight[:, UNCLEARED],
        ],
        axis=1,
    )


def passed(outside: Numbers, done: Numbers) -> Numbers:
    """Return the weight of all else by fault current below the branch, what its device did, and the state above; (n, 3, 3, 5)."""
    upper = outside[:, [QUIET, CLEARED, CLEARED, UNCLEARED]]
    by_way = done[:, :, :, None] * upper[:, :, None]
    return np.stack([by_way[:, 0], by_way[:, 1], by_way[:, 2] + by_way[:, 3]], axis=1)


def down_a_branch(
    used: Numbers, chances: Chances, here: slice, currents: tuple[int, ...] = (QUIET, CLEARED, UNCLEARED)
) -> Numbers:
    """Return the weight of all else by fault current below a branch and state of its lower node; shape (n, currents, 5)."""
    refed, left = chances.refed[here][:, currents], chances.left[here][:, currents]
    fails, works = chances.channel_fails, chances.channel_works
    stayed, opened, closed = (used[:, :, did] for did in range(3))
    held = stayed + closed
    enters_dark = (
        (1 - refed) * held[..., DARK]
        + left * stayed[..., BACK]
        + opened[..., LIVE]
        + opened[..., DARK]
        + opened[..., BACK]
    )
    enters_unheard = (
        (1 - refed) * held[..., UNHEARD]
        + left * stayed[..., BACK_UNHEARD]
        + opened[..., UNHEARD]
        + opened[..., BACK_UNHEARD]
    )
    enters_back = refed * held[..., DARK] + (1 - left) * stayed[..., BACK] + closed[..., LIVE] + closed[..., BACK]
    enters_back_unheard = (
        refed * held[..., UNHEARD] + (1 - left) * stayed[..., BACK_UNHEARD] + closed[..., BACK_UNHEARD]
    )
    afloat = held[..., DARK] + held[..., UNHEARD] + stayed[..., BACK] + stayed[..., BACK_UNHEARD]
    return np.stack(
        [
            stayed[..., LIVE] + chances.afloat * afloat,
            (1 - fails) * enters_dark + works * enters_unheard,
            fails * enters_dark + (1 - works) * enters_unheard,
            (1 - fails) * enters_back + works * enters_back_unheard,
            fails * enters_back + (1 - works) * enters_back_unheard,
        ],
        axis=2,
    )


def what_it_did(used: Numbers, below: Numbers, chances: Chances) -> Numbers:
    """Return the weight of a device being open, or closed again, below a live node, and of being open at all; shape (n, 3)."""
    dark, unheard, back, _ = _along_channel(below, chances)
    opened = used[:, :, OPENED]
    below_dead = (opened[..., DARK] + opened[..., BACK]) * dark
    below_dead += (opened[..., UNHEARD] + opened[..., BACK_UNHEARD]) * unheard
    first = (opened[..., LIVE] * dark).sum(axis=1)
    again = (used[:, :, CLOSED_AGAIN, LIVE] * back).sum(axis=1)
    return np.stack([first, again, first + below_dead.sum(axis=1)], axis=1)
