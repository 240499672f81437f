"""What is out, exactly: the posterior of faults, cuts and supply on a forest, in one pass up and one pass down.

Hidden are, for every branch, whether it is faulted, what its device did about it, and the state of the node at its lower end.
A fault sends fault current along the way to its source, until the nearest protective device clears it; who is dark follows from
what opened; what was heard and not heard follows from who is dark. Every message between a branch and what lies above it is a
table of (fault current, state of the node above), so that sums over all explanations are products over children (field
reference 6.3 and 7.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown

LIVE, DARK, UNHEARD, BACK, BACK_UNHEARD = range(5)
"""States of a node: never off in this event; off; off, and its channel is down; back again; back, and its channel is down."""

STATES = 5

QUIET, CLEARED, UNCLEARED = range(3)
"""Fault current at the upper end of a branch: none; some, cleared by a device further down; some that nothing has cleared."""

WAYS = ((QUIET, QUIET), (CLEARED, CLEARED), (UNCLEARED, CLEARED), (UNCLEARED, UNCLEARED))
"""Ways of fault current through a branch, below it and above: none, cleared further down, cleared here, not cleared."""

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
        done: prior probability times likelihood of what each device did, by :data:`WAYS` and by :data:`STAYED`,
            :data:`OPENED`, :data:`CLOSED_AGAIN`; what sensors saw included; shape (branches, 4, 3).
        users: log-likelihood of what was heard and not heard of the users at the lower end, by state; shape (branches, 5).
        chances: how nodes change along each branch.
        depth: how many branches lie above each, where that is known; shape (branches,).
    """

    parent: Indices
    fault: Numbers
    done: Numbers
    users: Numbers
    chances: Chances
    depth: Indices | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Shown):
    """All that follows; everything is computed when it is first asked for.

    Attributes:
        evidence: what was heard.
        kept: trees of which probabilities are asked for, in the order of their tops; all where it is left out.
    """

    evidence: Evidence
    kept: Mask | None = None

    def only(self, kept: Mask) -> Posterior:
        """Return the same, of which probabilities are computed for some trees only; those of the others are zero."""
        found = Posterior(self.evidence, kept)
        for name in ("_order", "_sorted", "_upwards"):
            found.__dict__[name] = getattr(self, name)
        return found

    # Levels -------------------------------------------------------------------------------------------------------

    @cached_property
    def _order(self) -> tuple[Indices, list[tuple[int, int]]]:
        """Branches by depth, and the span of each depth; children of one branch stand together, in the order of the branches."""
        parent = self.evidence.parent
        depth = depths(parent) if self.evidence.depth is None else self.evidence.depth
        order = np.argsort(depth, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(depth))]).tolist() if len(depth) else [0]
        return order, list(pairwise(bounds))

    @cached_property
    def _sorted(self) -> Evidence:
        """The evidence with the branches by depth, and along the last axis of everything, so that sums run along memory."""
        order, _ = self._order
        given, chances = self.evidence, self.evidence.chances
        rank = np.empty(len(order) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(order)), -1
        return Evidence(
            rank[given.parent[order]],
            given.fault[order],
            _turned(given.done, order),
            _turned(given.users, order),
            replace(
                chances,
                refed=_turned(chances.refed, order),
                left=_turned(chances.left, order),
                repaired=chances.repaired[order],
            ),
        )

    # Upwards ------------------------------------------------------------------------------------------------------

    @cached_property
    def _upwards(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Return what lies at and below each branch, by depth.

        Returns:
            ``below``, table of (fault current below the branch, state of its lower node) without a fault of its own, scaled,
            shape (3, 5, n); ``all_below``, the same summed over fault current, shape (5, n); ``said``, logs of what the children
            say together, and ``say``, logs of what the branch says to the one above, both of shape (3, 5, n): their total, and
            the shares of it without uncleared, and then without any, fault current.
        """
        evidence, (_, levels) = self._sorted, self._order
        count = len(evidence.parent)
        below, all_below = np.zeros((3, STATES, count)), np.zeros((STATES, count))
        said, say = np.zeros((3, STATES, count)), np.zeros((3, STATES, count))
        for first, last in reversed(levels):
            here = slice(first, last)
            total = said[0, :, here] + evidence.users[:, here]
            scale = total.max(axis=0)
            all_below[:, here] = np.exp(total - scale)
            below[:, :, here] = split(all_below[:, here], said[1, :, here], said[2, :, here])
            message = up_a_branch(
                below[:, :, here],
                all_below[:, here],
                evidence.fault[here],
                evidence.done[:, :, here],
                evidence.chances,
                here,
            )
            say[:, :, here] = merged(message)
            say[0, :, here] += scale
            parent = evidence.parent[here]
            if parent[0] >= 0:
                heads = np.append(True, parent[1:] != parent[:-1])
                said[:, :, parent[heads]] = np.add.reduceat(say[:, :, here], np.flatnonzero(heads), axis=2)
        return below, all_below, said, say

    @cached_property
    def log_evidence(self) -> Numbers:
        """Log-probability of all that was heard, of the tree that each top is the top of; shape (tops,)."""
        _, _, _, say = self._upwards
        tops = np.flatnonzero(self._sorted.parent < 0)
        return np.asarray(say[0, LIVE, tops])

    # Downwards ----------------------------------------------------------------------------------------------------

    @cached_property
    def _downwards(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        evidence, (order, _) = self._sorted, self._order
        below, all_below, said, say = self._upwards
        count = len(order)
        above = np.full((3, STATES, count), -np.inf)
        state, fault, flow = np.zeros((STATES, count)), np.zeros(count), np.zeros((2, count))
        did = np.zeros((3, count))
        for number, here in enumerate(self._rows_kept()):
            parent = evidence.parent[here]
            if number:
                outside = others(above[:, :, parent], said[:, :, parent] - say[:, :, here])
            else:
                outside = np.zeros((3, STATES, len(parent)))
                outside[:, LIVE] = 1.0
            used = passed(outside, evidence.done[:, :, here])
            on_fault = used[UNCLEARED:] * allowed_on_a_fault(evidence.chances.repaired[here])
            arriving = down_a_branch(used, evidence.chances, here)
            faulted = down_a_branch(on_fault, evidence.chances, here, (UNCLEARED,))[0]
            own = evidence.fault[here]
            sound, broken = below[:, :, here] * (1 - own), all_below[:, here] * own
            joint, with_own = arriving * sound, faulted * broken
            all_own = with_own.sum(axis=0)
            by_current = joint.sum(axis=1)
            total = np.maximum(by_current.sum(axis=0) + all_own, _TINY)
            state[:, here] = (joint.sum(axis=0) + with_own) / total
            flow[:, here] = by_current[1:] / total
            flow[1, here] += all_own / total
            fault[here] = (faulted * all_below[:, here]).sum(axis=0) / total
            did[:, here] = (
                what_it_did(used, sound, evidence.chances) + what_it_did(on_fault, broken[None], evidence.chances)
            ) / total
            mixed = (1 - own) * arriving + own * faulted
            above[:, :, here] = np.log(np.maximum(mixed, _TINY)) + evidence.users[:, here]
        back = np.empty(count, dtype=np.int64)
        back[order] = np.arange(count)
        return state[:, back].T, fault[back], flow[:, back].T, did[:, back].T

    def _rows_kept(self) -> Iterator[slice | Indices]:
        """Yield the branches of each depth that belong to trees of which something is asked."""
        order, levels = self._order
        if self.kept is None:
            yield from (slice(first, last) for first, last in levels)
            return
        tree = np.cumsum(self.evidence.parent < 0) - 1
        kept = self.kept[tree][order]
        for first, last in levels:
            rows = first + np.flatnonzero(kept[first:last])
            if not len(rows):
                return
            yield slice(first, last) if len(rows) == last - first else rows

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


def _turned(values: Numbers, order: Indices) -> Numbers:
    """Return values of branches in an order, with the branches along the last axis."""
    return np.ascontiguousarray(np.moveaxis(values[order], 0, -1))


def split(total: Numbers, without_uncleared: Numbers, without_any: Numbers) -> Numbers:
    """Return the shares of a total by fault current, from the logs of its shares without some; shape (3, 5, n)."""
    calm = total * np.exp(without_uncleared)
    found = np.empty((3, *total.shape))
    found[QUIET] = calm * np.exp(without_any)
    found[CLEARED] = calm * -np.expm1(without_any)
    found[UNCLEARED] = total * -np.expm1(without_uncleared)
    return found


def merged(message: Numbers) -> Numbers:
    """Return the logs by which messages multiply over children: total, share without uncleared, then without any current."""
    calm = message[QUIET] + message[CLEARED]
    total = np.maximum(calm + message[UNCLEARED], _TINY)
    found = np.empty_like(message)
    np.log(total, out=found[0])
    np.log1p(-np.minimum(message[UNCLEARED] / total, 1 - 1e-16), out=found[1])
    np.log1p(-np.minimum(message[CLEARED] / np.maximum(calm, _TINY), 1 - 1e-16), out=found[2])
    return found


def allowed_on_a_fault(repaired: Numbers) -> Numbers:
    """Return what what a device did and the state above it are worth for a branch that is faulted itself; shape (3, 5, n).

    To close on a fault, or to be back above it, takes that it is repaired by now, or that its own device is open.
    """
    allowed = np.ones((3, STATES, len(repaired)))
    allowed[STAYED, BACK:] = allowed[CLOSED_AGAIN, BACK:] = allowed[CLOSED_AGAIN, LIVE] = repaired
    return allowed


def _along_channel(below: Numbers, chances: Chances) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return what lies below for one who enters dark or back, each by a channel that works and by one that is down."""
    fails, works = chances.channel_fails, chances.channel_works
    dark, unheard, back, back_unheard = (below[:, state] for state in (DARK, UNHEARD, BACK, BACK_UNHEARD))
    return (
        (1 - fails) * dark + fails * unheard,
        works * dark + (1 - works) * unheard,
        (1 - fails) * back + fails * back_unheard,
        works * back + (1 - works) * back_unheard,
    )


def up_a_branch(
    below: Numbers, all_below: Numbers, fault: Numbers, done: Numbers, chances: Chances, here: slice | Indices
) -> Numbers:
    """Return what a branch says to the node above it, by fault current and state of that node; shape (3, 5, n).

    Args:
        below: what lies below if the branch is sound, by fault current and state of its lower node, shape (3, 5, n).
        all_below: the same, summed over fault current; shape (5, n).
        fault: prior of a fault of its own, shape (n,).
        done: what its device did, shape (4, 3, n).
        chances: how nodes change, of all branches.
        here: which these are.
    """
    tables = np.empty((4, *all_below.shape))
    tables[:3] = below * (1 - fault)
    tables[3] = all_below * fault
    currents = (QUIET, CLEARED, UNCLEARED, UNCLEARED)
    dark, unheard, back, back_unheard = _along_channel(tables, chances)
    live = tables[:, LIVE]
    refed, left = (each[:, here][list(currents)] for each in (chances.refed, chances.left))
    floating = chances.afloat * live
    stayed, opened, closed = (np.empty_like(tables) for _ in range(3))
    stayed[:, LIVE] = live
    stayed[:, DARK] = closed[:, DARK] = dark + refed * (back - dark) + floating
    stayed[:, UNHEARD] = closed[:, UNHEARD] = unheard + refed * (back_unheard - unheard) + floating
    stayed[:, BACK] = back + left * (dark - back) + floating
    stayed[:, BACK_UNHEARD] = back_unheard + left * (unheard - back_unheard) + floating
    opened[:, LIVE] = opened[:, DARK] = opened[:, BACK] = dark
    opened[:, UNHEARD] = opened[:, BACK_UNHEARD] = unheard
    closed[:, LIVE] = closed[:, BACK] = back
    closed[:, BACK_UNHEARD] = back_unheard
    repaired = chances.repaired[here]
    stayed[3, BACK:] *= repaired
    closed[3, BACK:] *= repaired
    closed[3, LIVE] *= repaired
    for each in (stayed, opened, closed):
        each[UNCLEARED] += each[3]
    message = np.zeros_like(below)
    for way, (lower, upper) in enumerate(WAYS):
        message[upper] += done[way, STAYED] * stayed[lower]
        message[upper] += done[way, OPENED] * opened[lower]
        message[upper] += done[way, CLOSED_AGAIN] * closed[lower]
    return message


def others(above: Numbers, siblings: Numbers) -> Numbers:
    """Return the weight of all else, by fault current at the upper end of a branch and state of the node there.

    Args:
        above: log-weight of what lies outside the node above, by fault current of all its children together; shape (3, 5, n).
        siblings: logs of what its other children say together, as :func:`merged`; shape (3, 5, n).
    """
    logs = above + siblings[0]
    weight = np.exp(logs - logs.max(axis=(0, 1)))
    without_uncleared, without_any = np.minimum(siblings[1], 0.0), np.minimum(siblings[2], 0.0)
    calm = np.exp(without_uncleared)
    quiet = calm * np.exp(without_any)
    found = np.empty_like(weight)
    with_uncleared = weight[UNCLEARED] * -np.expm1(without_uncleared)
    found[QUIET] = weight[QUIET] * quiet + weight[CLEARED] * (calm - quiet) + with_uncleared
    found[CLEARED] = weight[CLEARED] * calm + with_uncleared
    found[UNCLEARED] = weight[UNCLEARED]
    return np.asarray(found)


def passed(outside: Numbers, done: Numbers) -> Numbers:
    """Return the weight of all else by fault current below the branch, what its device did, and the state above; (3, 3, 5, n)."""
    found = np.empty((3, 3, *outside.shape[1:]))
    found[QUIET] = done[0][:, None] * outside[QUIET]
    found[CLEARED] = done[1][:, None] * outside[CLEARED]
    found[UNCLEARED] = done[2][:, None] * outside[CLEARED] + done[3][:, None] * outside[UNCLEARED]
    return found


def down_a_branch(
    used: Numbers, chances: Chances, here: slice | Indices, currents: tuple[int, ...] = (QUIET, CLEARED, UNCLEARED)
) -> Numbers:
    """Return the weight of all else by fault current below a branch and state of its lower node; shape (currents, 5, n)."""
    refed, left = (each[:, here][list(currents)] for each in (chances.refed, chances.left))
    fails, works = chances.channel_fails, chances.channel_works
    stayed, opened, closed = (used[:, did] for did in range(3))
    held_dark, held_unheard = stayed[:, DARK] + closed[:, DARK], stayed[:, UNHEARD] + closed[:, UNHEARD]
    fed, fed_unheard = refed * held_dark, refed * held_unheard
    kept, kept_unheard = left * stayed[:, BACK], left * stayed[:, BACK_UNHEARD]
    dark = held_dark - fed + kept + opened[:, LIVE] + opened[:, DARK] + opened[:, BACK]
    unheard = held_unheard - fed_unheard + kept_unheard + opened[:, UNHEARD] + opened[:, BACK_UNHEARD]
    back = fed + stayed[:, BACK] - kept + closed[:, LIVE] + closed[:, BACK]
    back_unheard = fed_unheard + stayed[:, BACK_UNHEARD] - kept_unheard + closed[:, BACK_UNHEARD]
    found = np.empty((len(currents), *used.shape[2:]))
    afloat = held_dark + held_unheard + stayed[:, BACK] + stayed[:, BACK_UNHEARD]
    found[:, LIVE] = stayed[:, LIVE] + chances.afloat * afloat
    found[:, DARK] = (1 - fails) * dark + works * unheard
    found[:, UNHEARD] = fails * dark + (1 - works) * unheard
    found[:, BACK] = (1 - fails) * back + works * back_unheard
    found[:, BACK_UNHEARD] = fails * back + (1 - works) * back_unheard
    return found


def what_it_did(used: Numbers, below: Numbers, chances: Chances) -> Numbers:
    """Return the weight of a device being open, or closed again, below a live node, and of being open at all; shape (3, n)."""
    dark, unheard, back, _ = _along_channel(below, chances)
    opened = used[:, OPENED]
    below_dead = (opened[:, DARK] + opened[:, BACK]) * dark
    below_dead += (opened[:, UNHEARD] + opened[:, BACK_UNHEARD]) * unheard
    first = (opened[:, LIVE] * dark).sum(axis=0)
    again = (used[:, CLOSED_AGAIN, LIVE] * back).sum(axis=0)
    return np.stack([first, again, first + below_dead.sum(axis=0)])
