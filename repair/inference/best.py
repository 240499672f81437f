"""The one explanation that is most probable as a whole, in one pass up and one pass down a forest.

The same hidden things, and the same chances, as in :mod:`repair.inference.posterior`, with the greatest term in place of the sum:
which branches are faulted, what every device did, and the state of every node, all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.posterior import Evidence
from repair.inference.states import IMPOSSIBLE, LIVE, STATES


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


@dataclass(frozen=True, eq=False, repr=False)
class Best(Shown):
    """The best explanation of what was heard on a forest."""

    evidence: Evidence

    @cached_property
    def explained(self) -> Explained:
        """The best explanation."""
        from repair.inference.best_passes import best_downwards, best_upwards

        evidence, chances = self.evidence, self.evidence.chances
        parent = np.ascontiguousarray(evidence.parent)
        count = len(parent)
        below, above = np.zeros((count, 3, STATES)), np.empty((count, 3, STATES))
        below[:, 1:] = IMPOSSIBLE
        choice = np.zeros((count, 3, STATES), dtype=np.int64)
        moves = np.stack([chances.refed, chances.left], axis=1)
        rates = np.array([chances.channel_fails, chances.channel_works, chances.afloat])
        users, prior, done = map(np.ascontiguousarray, (evidence.users, evidence.fault, evidence.done))
        repaired = np.ascontiguousarray(chances.repaired)
        best_upwards(parent, users, prior, done, moves, repaired, rates, below, above, choice)
        fault, did, state = np.zeros(count, dtype=np.bool_), np.zeros(count, np.int64), np.zeros(count, np.int64)
        best_downwards(parent, below, above, choice, fault, did, state)
        return Explained(fault, did, state, above[parent < 0, :, LIVE].max(axis=1))
