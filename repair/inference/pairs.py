"""Users of two feeders as evidence of both: what one says couples what is out on the two, and is weighed for both together.

Every state of the first node of each such user is taken in turn; with it given, the feeders are apart again, and the two passes
are exact. So the sum over all states of the first nodes is the posterior of all feeders that such users couple, as in
:mod:`repair.inference.mesh`. With more users that spoke than can be taken in turn, those count that tell most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.posterior import Evidence, Posterior
from repair.inference.states import IMPOSSIBLE, STATES

MOST = 2_000_000
"""Nodes that are gone through for all states of the first nodes of users of two feeders, at most."""

AT_ONCE = 100_000
"""Nodes that are gone through at once: memory does not grow with the number of users."""

LEAST_SHARE = 1e-12
"""States of first nodes that are less probable change nothing."""

LEAST_LOG = 1e3 * IMPOSSIBLE
"""Log of the probability of what contradicts itself, so that differences of such stay numbers."""

NAMES = ("state", "fault", "opened", "flow", "cut")
"""What follows of each node."""


@dataclass(frozen=True, eq=False, repr=False)
class Coupled(Shown):
    """A forest of feeders, and users that hang on two of its nodes each.

    Attributes:
        evidence: of the feeders, for each way of reporting; ``users`` has shape (ways, nodes, 5).
        prior: of each way, shape (ways,).
        nodes: the two nodes of each user, shape (users, 2).
        says: log-likelihood of what each said by the states of both, shape (users, 5, 5).
    """

    evidence: Evidence
    prior: Numbers
    nodes: Indices
    says: Numbers

    @cached_property
    def counted(self) -> Mask:
        """Which users are taken in turn: those that tell most, as many as can be; shape (users,)."""
        size, many = self.evidence.users[..., 0].size, 0
        while many < len(self.nodes) and size * STATES ** (many + 1) <= MOST:
            many += 1
        tells = self.says.max(axis=(1, 2)) - self.says.min(axis=(1, 2))
        found = np.zeros(len(self.nodes), dtype=np.bool_)
        found[np.argsort(-tells, kind="stable")[:many]] = True
        return found

    @cached_property
    def _states(self) -> Indices:
        """The states of the first nodes of the users that count, shape (combinations, counted)."""
        count = int(self.counted.sum())
        return np.array(list(product(range(STATES), repeat=count)), dtype=np.int64).reshape(-1, count)

    def _given(self, states: Indices) -> Posterior:
        """Return the posterior for each way of reporting and for some states of first nodes."""
        users = np.repeat(self.evidence.users[:, None], len(states), axis=1)
        for number, user in enumerate(np.flatnonzero(self.counted).tolist()):
            first, second = self.nodes[user].tolist()
            for state in range(STATES):
                users[:, states[:, number] != state, first, state] += IMPOSSIBLE
            users[:, :, second] += self.says[user][states[:, number]]
        return Posterior(replace(self.evidence, users=users))

    def _parts(self, states: Indices) -> Iterator[tuple[Indices, Posterior]]:
        size = max(1, int(AT_ONCE // self.evidence.users[..., 0].size))
        for begin in range(0, len(states), size):
            some = states[begin : begin + size]
            yield some, self._given(some)

    @cached_property
    def _weight(self) -> Numbers:
        """How probable each way of reporting of each feeder is with all states of first nodes, (ways, combinations, feeders)."""
        logs = np.concatenate([part.log_evidence for _, part in self._parts(self._states)], axis=1)
        logs = np.maximum(logs, LEAST_LOG) + np.log(self.prior)[:, None, None]
        of_feeder = np.logaddexp.reduce(logs, axis=0)
        of_all = of_feeder.sum(axis=1)
        share = np.exp(of_all - np.logaddexp.reduce(of_all))
        return np.asarray(np.exp(logs - of_feeder) * share[:, None])

    @property
    def weight(self) -> Numbers:
        """How probable each way of reporting of each feeder is, shape (ways, feeders)."""
        return np.asarray(self._weight.sum(axis=1))

    @cached_property
    def _follows(self) -> tuple[dict[str, Numbers], Numbers]:
        """What follows of each node for each way, and the probability of each two states of users' nodes, (users, 5, 5)."""
        parent, weight = self.evidence.parent, self._weight
        feeder = np.cumsum(parent < 0) - 1
        kept = np.flatnonzero(weight.max(axis=(0, 2)) > LEAST_SHARE)
        found: dict[str, Numbers] = {}
        both = np.zeros((len(self.nodes), STATES, STATES))
        done = 0
        for states, part in self._parts(self._states[kept]):
            share = weight[:, kept[done : done + len(states)]][:, :, feeder]
            done += len(states)
            for name in NAMES:
                values = getattr(part, name)
                total = np.einsum("wcn,wcn...->wn...", share, values)
                found[name] = found[name] + total if name in found else total
            first, second = self.nodes.T
            state = part.state
            both += np.einsum("wcu,wcus,wcut->ust", share[:, :, second], state[:, :, first], state[:, :, second])
        every = np.maximum(weight.sum(axis=1)[:, feeder], 1e-300)
        return {name: values / _like(every, values) for name, values in found.items()}, both

    @property
    def follows(self) -> dict[str, Numbers]:
        """What follows of each node, given each way of reporting; shapes (ways, nodes, ...)."""
        return self._follows[0]

    @property
    def both(self) -> Numbers:
        """Probability of the states of both nodes of each user, shape (users, 5, 5)."""
        return self._follows[1]


def _like(share: Numbers, values: Numbers) -> Numbers:
    return share.reshape(share.shape + (1,) * (values.ndim - share.ndim))


def clusters(pairs: Indices) -> list[tuple[list[int], list[int]]]:
    """Return what hangs together: the numbers that each group of pairs holds, rising, and which pairs these are.

    Args:
        pairs: shape (pairs, 2).
    """
    group: dict[int, list[int]] = {}
    for one, other in pairs.tolist():
        joined = sorted({*group.get(one, [one]), *group.get(other, [other])})
        for each in joined:
            group[each] = joined
    found: dict[int, tuple[list[int], list[int]]] = {}
    for number, (one, _) in enumerate(pairs.tolist()):
        found.setdefault(group[one][0], (group[one], []))[1].append(number)
    return list(found.values())
