"""What is out, exactly: the posterior of faults, cuts and supply on a forest, in one pass up and one pass down.

Hidden are, for every branch, whether it is faulted, what its device did about it, and the state of the node at its lower end.
A fault sends fault current along the way to its source, until the nearest protective device clears it; who is dark follows from
what opened; what was heard and not heard follows from who is dark. Every message between a branch and what lies above it is a
table of (fault current, state of the node above), so that sums over all explanations are products over children (field
reference 6.3 and 7.4); the loops stand in :mod:`repair.inference.passes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.states import BACK, DARK, LIVE, STATES, UNHEARD


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

    Several copies of one forest, in which users say something else or other priors hold, are judged together: "..." stands for
    their axes, which may be none.

    Attributes:
        parent: the branch above each, -1 for a top; branches stand in depth-first order; shape (branches,).
        fault: prior probability of a fault on each, shape (..., branches) or (branches,).
        done: prior probability times likelihood of what each device did, by :data:`~repair.inference.states.WAYS` and by
            :data:`~repair.inference.states.STAYED`, ``OPENED``, ``CLOSED_AGAIN``; what sensors saw included; (branches, 4, 3).
        users: log-likelihood of what was heard and not heard of the users at the lower end, by state; shape (..., branches, 5).
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
        kept: trees of which probabilities are asked for, in the order of their tops, shape (..., tops); all where it is left
            out; those of the others are zero.
        negligible: where something opened or was dead at or below a branch with no more than this probability, all there is taken
            as live, without fault current.
        asked: branches of which more is asked than that, shape (branches,); none where it is left out.
    """

    evidence: Evidence
    kept: Mask | None = None
    negligible: float = 0.0
    asked: Mask | None = None

    def only(self, kept: Mask) -> Posterior:
        """Return the same, of which probabilities are computed for some trees only."""
        found = replace(self, kept=kept)
        for name in ("_given", "_greatest", "_upwards"):
            found.__dict__[name] = getattr(self, name)
        return found

    @property
    def _copies(self) -> tuple[int, ...]:
        return self.evidence.users.shape[:-2]

    @cached_property
    def _given(self) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers, Numbers]:
        """Priors of faults, what devices did, scaled likelihoods of users, and chances, as the passes want them."""
        evidence, chances = self.evidence, self.evidence.chances
        count = len(evidence.parent)
        users = evidence.users.reshape(-1, count, STATES)
        fault = np.empty((len(users), count))
        fault[:] = np.broadcast_to(evidence.fault, (*self._copies, count)).reshape(-1, count)
        heard = np.exp(users - self._greatest[..., None])
        moves = np.stack([chances.refed, chances.left], axis=1)
        rates = np.array([chances.channel_fails, chances.channel_works, chances.afloat])
        return fault, np.ascontiguousarray(evidence.done), heard, moves, np.ascontiguousarray(chances.repaired), rates

    @cached_property
    def _greatest(self) -> Numbers:
        """The greatest log-likelihood of the users of each branch, shape (copies, branches)."""
        users = self.evidence.users
        found = users[..., LIVE]
        for state in range(1, STATES):
            found = np.maximum(found, users[..., state])
        return np.asarray(found.reshape(-1, len(self.evidence.parent)))

    @cached_property
    def _tops(self) -> Indices:
        return np.flatnonzero(self.evidence.parent < 0)

    @cached_property
    def _upwards(self) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
        from repair.inference.passes import upwards

        copies, count = self._given[0].shape
        below, say, later = (np.empty((copies, count, 3, STATES)) for _ in range(3))
        calm, log_scale = np.empty((copies, count, 3)), np.zeros((copies, len(self._tops)))
        asked = np.zeros(count, dtype=np.bool_) if self.asked is None else self.asked
        upwards(self.evidence.parent, *self._given, asked, below, say, later, calm, log_scale)
        if count:
            log_scale += np.add.reduceat(self._greatest, self._tops, axis=1)
        return below, say, later, calm, log_scale

    @property
    def log_evidence(self) -> Numbers:
        """Log-probability of all that was heard, of the tree that each top is the top of; shape (..., tops)."""
        return np.asarray(self._upwards[-1].reshape(*self._copies, -1))

    def log_odds_dead(self, back: Numbers) -> Numbers:
        """Return how much better all that was heard is explained if the source above each top was lost, as log, (..., tops).

        Args:
            back: how probable it is that it is back, shape (tops,).
        """
        say = self._upwards[1][:, self._tops].sum(axis=2)
        lost = (1 - back) * say[:, :, DARK] + back * say[:, :, BACK]
        odds = np.log(np.maximum(lost, 1e-300)) - np.log(np.maximum(say[:, :, LIVE], 1e-300))
        return np.asarray(odds.reshape(*self._copies, -1))

    @cached_property
    def _downwards(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        from repair.inference.passes import downwards

        copies, count = self._given[0].shape
        tops = len(self._tops)
        kept = np.ones((copies, tops), dtype=np.bool_) if self.kept is None else self.kept.reshape(copies, tops)
        state, better = np.zeros((copies, count, STATES)), np.zeros((copies, count))
        flow, did = np.zeros((copies, count, 2)), np.zeros((copies, count, 3))
        quiet = np.zeros((copies, count), dtype=np.bool_)
        given = self._given, self._upwards[:-1]
        downwards(self.evidence.parent, kept, *given[0], *given[1], self.negligible, state, better, flow, did, quiet)
        state[quiet, LIVE] = 1.0
        shape = (*self._copies, count)
        return state.reshape(*shape, STATES), better.reshape(shape), flow.reshape(*shape, 2), did.reshape(*shape, 3)

    @property
    def state(self) -> Numbers:
        """Probability of each state of the node at the lower end of each branch, shape (..., branches, 5)."""
        return self._downwards[0]

    @property
    def dark(self) -> Numbers:
        """Probability that the lower end of each branch is dead now, shape (..., branches)."""
        return np.asarray(self.state[..., DARK] + self.state[..., UNHEARD])

    @property
    def fault(self) -> Numbers:
        """Probability of a fault on each branch, shape (..., branches)."""
        return self.evidence.fault * self._downwards[1]

    @property
    def with_fault(self) -> Numbers:
        """How much better all is explained with a fault on each branch than without knowing of it, shape (..., branches).

        Where faults are held impossible everywhere, this is the likelihood of just one fault there, relative to none.
        """
        return self._downwards[1]

    @property
    def flow(self) -> Numbers:
        """Probability that fault current entered each branch: cleared by something below, or by nothing; (..., branches, 2)."""
        return self._downwards[2]

    @property
    def opened(self) -> Numbers:
        """Probability that each device is open now, whatever lies above, shape (..., branches)."""
        return np.asarray(self._downwards[3][..., 2])

    @property
    def cut(self) -> Numbers:
        """Probability that an outage begins at each branch, above which it was live; shape (..., branches, 2).

        The first is that it is open now; the second that it was, and is closed again.
        """
        return np.asarray(self._downwards[3][..., :2])
