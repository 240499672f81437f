"""What is out where rings are closed, several sources feed a feeder, or a user hangs on two nodes: exact, by conditioning.

A closed ring has a **last opening**, counted along it: that branch is open, those after it are closed, and those before it are
free. So a ring of k branches is k + 1 networks without it: none of its branches is open, or one of them is the last. What is
left after the last ring is a tree, on which the two passes are exact; rings that share branches are taken one after the other.
All sources count as one node that has supply. A user of two nodes has the better of their states, and is conditioned on the
state of the first. Each set of openings is met once; the sum over all of them is the posterior, the greatest the one explanation
that is most probable as a whole (field reference 6.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush
from itertools import product

import numpy as np
import numpy.typing as npt

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.best import Best, Explained
from repair.inference.posterior import Chances, Evidence, Posterior
from repair.inference.states import IMPOSSIBLE, OPENED, STATES, STAYED

Labels = npt.NDArray[np.int8]

FREE, CLOSED, OPEN = range(3)
"""What is taken of a branch: anything may have become of it; it is closed, as before; it is open, or was."""

MOST = 2_000_000
"""Nodes of networks without rings, and branches on the way to them, that are looked at, at most; a million take half a second."""

MOST_RINGS = 100
"""Closed rings that are looked at together, at most; of others the branch that is least likely to have opened is left out."""

LEAST_TREES = 100
"""Networks without rings that are looked at in any case."""

MOST_FAULTS = 64
"""Branches of rings on which a fault is looked at that the last opening cleared, at most: those where one is most probable."""


@dataclass(frozen=True, eq=False, repr=False)
class Mesh(Shown):
    """A network, and what was heard of it.

    Attributes:
        ends: nodes at the ends of each branch; -1 is the source, which has supply; shape (branches, 2).
        fault, done: of each branch, see :class:`~repair.inference.posterior.Evidence`; shapes (branches,), (branches, 4, 3).
        users: log-likelihood of what was heard at each node, by state, shape (..., nodes, 5).
        chances: how nodes change along each branch.
        pairs: the two nodes of each user of two, shape (users, 2).
        says: log-likelihood of what each of these said, by the states of both nodes, shape (users, 5, 5).
        fixed: branches that never open, shape (branches,).
        on_ring: branches on closed rings: a fault there has the last opening of its ring clear it too, since fault current comes
            from both sides; shape (branches,).
    """

    ends: Indices
    fault: Numbers
    done: Numbers
    users: Numbers
    chances: Chances
    pairs: Indices
    says: Numbers
    fixed: Mask
    on_ring: Mask

    # Trees --------------------------------------------------------------------------------------------------------

    @cached_property
    def _nodes(self) -> int:
        return int(self.users.shape[-2])

    @cached_property
    def trees(self) -> tuple[Tree, ...]:
        """The networks without rings that are left of this one, by the last opening of each ring, likely ones first.

        Beyond :attr:`most` of them the rest is left out: then what follows is approximate.
        """
        return tuple(tree for tree, _ in self._found)

    @property
    def approximate(self) -> bool:
        """Whether some of these networks were left out, since there are too many, or some rings."""
        return bool(self._left_out.any()) or self._found[-1][1]

    @cached_property
    def _found(self) -> list[tuple[Tree, bool]]:
        return list(self._search())

    def _search(self) -> Iterator[tuple[Tree, bool]]:
        """Yield the networks without rings, and whether others are left."""
        waiting = [(0.0, 0, self._labels)]
        stays, opens = self._log_shares
        number = found = looks = 0
        while waiting and (found < LEAST_TREES or (found < self.most and looks < MOST)):
            looks += len(self.ends)
            against, _, label = heappop(waiting)
            ring = self._ring(label)
            if not ring:
                found += 1
                yield Tree.of(self, label), bool(waiting)
                continue
            for last in range(-1, len(ring)):
                taken, closed = label.copy(), ring[last + 1 :]
                taken[closed] = CLOSED
                more = -float(stays[closed].sum())
                if last >= 0:
                    taken[ring[last]] = OPEN
                    more -= float(opens[ring[last]])
                number += 1
                heappush(waiting, (against + more, number, taken))

    @property
    def _labels(self) -> Labels:
        """What is taken of each branch before any ring is looked at, shape (branches,)."""
        return np.where(self.fixed, CLOSED, FREE).astype(np.int8)

    @cached_property
    def _left_out(self) -> Mask:
        """Branches that are not looked at, since there are more than :data:`MOST_RINGS`, shape (branches,).

        Those branches tie the network together that are least likely to have opened, and of the others those stay that are
        likeliest to.
        """
        found = np.zeros(len(self.ends), dtype=np.bool_)
        group, closing = np.arange(self._nodes + 1), []
        for branch in np.lexsort((self._log_shares[1], ~self.fixed)).tolist():
            one, other = (_head(group, int(end)) for end in self.ends[branch])
            if one != other:
                group[one] = other
            elif not self.fixed[branch]:
                closing.append(branch)
        found[closing[: max(len(closing) - MOST_RINGS, 0)]] = True
        return found

    @cached_property
    def _looked_at(self) -> tuple[Indices, Mesh]:
        """The branches that are looked at, and the same with these alone."""
        kept, rates = np.flatnonzero(~self._left_out), self.chances
        chances = replace(rates, refed=rates.refed[kept], left=rates.left[kept], repaired=rates.repaired[kept])
        names = ("ends", "fault", "done", "fixed", "on_ring")
        return kept, replace(self, chances=chances, **{name: getattr(self, name)[kept] for name in names})

    @cached_property
    def _log_shares(self) -> tuple[Numbers, Numbers]:
        """Log-shares that each branch is closed, and that it is open, or was, by what its device said, as far as it may be."""
        opens = np.maximum(self.done[:, :, OPENED:].sum(axis=2).max(axis=1), 1e-300)
        stays = np.maximum(self.done[:, 0, STAYED], 1e-300)
        return np.log(stays / (stays + opens)), np.log(opens / (stays + opens))

    @property
    def most(self) -> int:
        """How many networks without rings are looked at, at most."""
        sets = 1 + min(int(self.on_ring.sum()), MOST_FAULTS)
        size = max(self.users[..., 0].size, len(self.ends))
        return max(LEAST_TREES, int(MOST // (size * sets * STATES ** len(self.pairs))))

    def _ring(self, label: Labels) -> list[int]:
        """Return the branches of some ring in order, without those that are closed for certain; nothing where there is none."""
        group = _groups(self._nodes + 1, self.ends[label == CLOSED])
        above: dict[int, tuple[int, int]] = {int(group[-1]): (-1, -1)}
        links: dict[int, list[tuple[int, int]]] = {}
        for branch in np.flatnonzero(label == FREE).tolist():
            one, other = (int(group[each]) for each in self.ends[branch])
            if one == other:
                return [branch]
            links.setdefault(one, []).append((other, branch))
            links.setdefault(other, []).append((one, branch))
        stack = [int(group[-1])]
        while stack:
            node = stack.pop()
            for other, branch in links.get(node, ()):
                if branch == above[node][1]:
                    continue
                if other in above:
                    return _around(above, node, other, branch)
                above[other] = (node, branch)
                stack.append(other)
        return []

    # What follows -------------------------------------------------------------------------------------------------

    @cached_property
    def _copies(self) -> Numbers:
        """Return the users' words for all states of the first nodes of users of two, shape (combinations, ..., nodes, 5)."""
        states = np.array(list(product(range(STATES), repeat=len(self.pairs))), dtype=np.int64)
        users = np.broadcast_to(self.users, (len(states), *self.users.shape)).copy()
        for number, (first, second) in enumerate(self.pairs.tolist()):
            for state in range(STATES):
                others = np.flatnonzero(states[:, number] != state)
                users[others, ..., first, state] += IMPOSSIBLE
            words = self.says[number][states[:, number]]
            users[..., second, :] += words.reshape(len(states), *([1] * (self.users.ndim - 2)), STATES)
        return np.asarray(users)

    @cached_property
    def marginals(self) -> Marginals:
        """The posterior."""
        if self._left_out.any():
            kept, looked_at = self._looked_at
            return looked_at.marginals.among(kept, len(self.ends))
        parts = [tree.marginals(self._copies) for tree in self.trees]
        logs = np.stack([each.log_evidence for each in parts])
        total = np.logaddexp.reduce(logs, axis=0)
        weight = np.exp(logs - total)

        def mixed(name: str) -> Numbers:
            found = np.zeros_like(getattr(parts[0], name))
            for share, part in zip(weight, parts, strict=True):
                values = getattr(part, name)
                found += share.reshape(share.shape + (1,) * (values.ndim - share.ndim)) * values
            return np.asarray(found)

        names = ("state", "fault", "opened", "flow", "cut")
        return Marginals(np.asarray(total), *(mixed(name) for name in names))

    def best(self) -> tuple[Explained, float]:
        """Return the explanation that is most probable as a whole, by branch and by node, and its log-weight."""
        if self._left_out.any():
            kept, looked_at = self._looked_at
            found, log_weight = looked_at.best()
            fault, did = np.zeros(len(self.ends), dtype=np.bool_), np.full(len(self.ends), STAYED)
            fault[kept], did[kept] = found.fault, found.did
            return Explained(fault, did, found.state, found.log_weight), log_weight
        every = (found for tree, words in product(self.trees, self._copies) for found in tree.best(words))
        best = max(every, key=lambda found: float(found.log_weight.sum()))
        return best, float(best.log_weight.sum())


@dataclass(frozen=True, eq=False, repr=False)
class Marginals(Shown):
    """What follows on a mesh; "..." are the copies of what users said.

    Attributes:
        log_evidence: log-probability of all that was heard, shape (...).
        state: probability of each state of each node, shape (..., nodes, 5).
        fault, opened: of each branch, shape (..., branches).
        flow, cut: likewise, see :class:`~repair.inference.posterior.Posterior`; shapes (..., branches, 2).
    """

    log_evidence: Numbers
    state: Numbers
    fault: Numbers
    opened: Numbers
    flow: Numbers
    cut: Numbers

    def among(self, branches: Indices, count: int) -> Marginals:
        """Return the same, its branches being some of more of which nothing is known."""

        def spread(values: Numbers, axis: int) -> Numbers:
            shape = list(values.shape)
            shape[axis] = count
            found = np.moveaxis(np.zeros(shape), axis, -1)
            found[..., branches] = np.moveaxis(values, axis, -1)
            return np.moveaxis(found, -1, axis)

        fault, opened = spread(self.fault, -1), spread(self.opened, -1)
        return Marginals(self.log_evidence, self.state, fault, opened, spread(self.flow, -2), spread(self.cut, -2))


@dataclass(frozen=True, eq=False, repr=False)
class Tree(Shown):
    """A mesh with some branches closed and some open, so that no ring is left.

    Attributes:
        mesh: what it is made of.
        node, branch: the lower node and the branch of each of its branches, from the source on; shape (n,).
        parent: see :class:`~repair.inference.posterior.Evidence`.
        done: likewise: closed branches have stayed so.
        opened: branches taken to be open, or to have been.
        log_weight: of what is taken of branches that are not in it.
    """

    mesh: Mesh
    node: Indices
    branch: Indices
    parent: Indices
    done: Numbers
    opened: Indices
    log_weight: float

    @classmethod
    def of(cls, mesh: Mesh, label: Labels) -> Tree:
        """Return what is left; branches that are closed for certain come first, so that all that are free are in it."""
        count = mesh._nodes
        links: list[list[tuple[int, int]]] = [[] for _ in range(count + 1)]
        group = np.arange(count + 1)
        used = np.zeros(len(label), dtype=np.bool_)
        for branch in np.concatenate([np.flatnonzero(label == taken) for taken in (CLOSED, FREE)]).tolist():
            one, other = (int(end) for end in mesh.ends[branch])
            if _head(group, one) == _head(group, other):
                continue
            group[_head(group, one)] = _head(group, other)
            used[branch] = True
            links[one].append((other, branch))
            links[other].append((one, branch))
        node, way, parent = [], [], []
        stack = [(count, -1, -1)]
        while stack:
            here, by, above = stack.pop()
            if by >= 0:
                node.append(here)
                way.append(by)
                parent.append(above)
            at = len(node) - 1
            stack += [(other % (count + 1), branch, at) for other, branch in links[here] if branch != by]
        order = np.array(way, dtype=np.int64)
        done = mesh.done[order].copy()
        done[label[order] == CLOSED, :, STAYED + 1 :] = 0.0
        beside = np.flatnonzero((label == CLOSED) & ~used)
        opened = np.flatnonzero(label == OPEN)
        weight = np.concatenate([mesh.done[beside, 0, STAYED], mesh.done[opened, 0, OPENED:].sum(axis=1)])
        logs = float(np.log(np.maximum(weight, 1e-300)).sum())
        return cls(mesh, np.array(node), order, np.array(parent), done, opened, logs)

    def _faults(self) -> tuple[Numbers, Numbers]:
        """Return sets of priors of faults, (sets, branches), and the log-weight of each: no fault on a ring, then one at least.

        One at least: each may be the first, so those before it are sound, and those after it free. It has what opened clear it.
        """
        mesh = self.mesh
        by_hand = mesh.done[self.opened, 0, OPENED:].sum(axis=1)
        clearing = np.maximum(mesh.done[self.opened, 2:, OPENED:].sum(axis=(1, 2)), by_hand)
        ring = np.flatnonzero(mesh.on_ring & (mesh.fault > 0))
        if not (clearing > by_hand).any() or not len(ring):
            return mesh.fault[None], np.zeros(1)
        ring = ring[np.argsort(-mesh.fault[ring], kind="stable")]
        faults = np.tile(mesh.fault, (1 + min(len(ring), MOST_FAULTS), 1))
        faults[0, ring] = 0.0
        logs = np.zeros(len(faults))
        more = float(np.log(clearing / np.maximum(by_hand, 1e-300)).sum())
        for number, branch in enumerate(ring[: len(faults) - 1].tolist(), 1):
            faults[number, ring[: number - 1]] = 0.0
            faults[number, branch] = 1.0
            sound = np.log1p(-mesh.fault[ring[: number - 1]]).sum()
            logs[number] = more + np.log(mesh.fault[branch]) + sound
        logs[0] = np.log1p(-mesh.fault[ring]).sum()
        return faults, logs

    def _evidence(self, users: Numbers, fault: Numbers) -> Evidence:
        mesh = self.mesh
        chances = mesh.chances
        of_branch = Chances(
            chances.refed[self.branch], chances.left[self.branch], chances.repaired[self.branch],
            chances.channel_fails, chances.channel_works, chances.afloat,
        )  # fmt: skip
        return Evidence(self.parent, fault[..., self.branch], self.done, users[..., self.node, :], of_branch)

    def marginals(self, users: Numbers) -> Marginals:
        """Return the posterior over all states of users of two nodes, given what is taken of branches."""
        mesh = self.mesh
        faults, logs_of_faults = self._faults()
        copies = np.broadcast_to(users, (len(faults), *users.shape))
        rest = [1] * (users.ndim - 2)
        found = Posterior(self._evidence(copies, faults.reshape(len(faults), *rest, -1)))
        logs = found.log_evidence.sum(axis=-1) + logs_of_faults.reshape(-1, *rest)
        logs = logs.reshape(-1, *logs.shape[2:])
        total = np.logaddexp.reduce(logs, axis=0)
        share = np.exp(logs - total)
        branches = len(mesh.ends)

        def of_branch(values: Numbers, taken: Numbers | float = 0.0) -> Numbers:
            mixed = np.einsum("c...,c...k->...k", share, values.reshape(-1, *values.shape[2:]))
            out = np.zeros((*mixed.shape[:-1], branches))
            out[..., self.branch] = mixed
            out[..., self.opened] = taken
            return out

        last = mesh.done[self.opened, 0, OPENED:]
        still_open = last[:, 0] / np.maximum(last.sum(axis=1), 1e-300)

        state = np.zeros((*users.shape[1:-1], STATES))
        state[..., self.node, :] = np.einsum(
            "c...,c...ks->...ks", share, found.state.reshape(-1, *found.state.shape[2:])
        )
        flow, cut = (
            np.stack([of_branch(values[..., each]) for each in (0, 1)], axis=-1) for values in (found.flow, found.cut)
        )
        return Marginals(
            total + self.log_weight, state, of_branch(found.fault), of_branch(found.opened, still_open), flow, cut
        )

    def best(self, users: Numbers) -> Iterator[Explained]:
        """Yield the best explanations, by branch and by node, given what is taken of branches, for each set of faults."""
        for faults, log_weight in zip(*self._faults(), strict=True):
            found = Best(self._evidence(users, faults)).explained
            fault, did = np.zeros(len(faults), dtype=np.bool_), np.full(len(faults), STAYED)
            fault[self.branch], did[self.branch] = found.fault, found.did
            did[self.opened] = OPENED
            state = np.zeros(self.mesh._nodes, dtype=np.int64)
            state[self.node] = found.state
            yield Explained(fault, did, state, np.append(found.log_weight, self.log_weight + log_weight))


def _head(group: Indices, each: int) -> int:
    while group[each] != each:
        group[each] = group[group[each]]
        each = int(group[each])
    return each


def _groups(count: int, joined: Indices) -> Indices:
    """Return the group of each node, where some are joined to one."""
    group = np.arange(count)
    for one, other in joined.tolist():
        group[_head(group, one)] = _head(group, other)
    return np.array([_head(group, each) for each in range(count)])


def _around(above: dict[int, tuple[int, int]], node: int, other: int, branch: int) -> list[int]:
    """Return the branches of the ring that a branch closes, from where both ways part down one and up the other."""
    ways = []
    for lowest in (node, other):
        way: list[tuple[int, int]] = []
        at = lowest
        while at >= 0:
            way.append((at, above[at][1]))
            at = above[at][0]
        ways.append(way[::-1])
    common = 0
    while common < min(map(len, ways)) and ways[0][common] == ways[1][common]:
        common += 1
    down, up = ([by for _, by in way[common:]] for way in ways)
    return [*down, branch, *up[::-1]]
