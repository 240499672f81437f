"""What is given of feeders that are judged one after the other (:mod:`repair.inference.passes`), and what follows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from network.arrays import Indices, Mask, Numbers
from repair.inference.states import STATES


class Given(NamedTuple):
    """The nodes of some feeders, feeder by feeder, as :func:`repair.inference.passes.upwards` wants them.

    Attributes:
        first: the first node of each feeder, and the first after all; shape (feeders + 1,).
        parent: the node above each, -1 for the first of a feeder, shape (nodes,).
        fault, done, moves, repaired, chances: see :func:`repair.inference.passes.upwards`; ``fault`` has shape (nodes,).
        asked: nodes that are gone through in any case, shape (nodes,).
        back: how probable it is that the source of each feeder is back, had it been lost, shape (feeders,).
    """

    first: Indices
    parent: Indices
    fault: Numbers
    done: Numbers
    moves: Numbers
    repaired: Numbers
    chances: Numbers
    asked: Mask
    back: Numbers


class Spoken(NamedTuple):
    """What the transformers of these feeders say, feeder by feeder and node by node.

    Attributes:
        first: the first transformer of each feeder, and the first after all; shape (feeders + 1,).
        node, row: node of each, and where stands what it says; shape (transformers,).
        says, dead, gone: see :class:`repair.inference.users.Heard`, shape (ways, rows, 5).
        prior: log of how probable each way of reporting is, shape (ways,).
    """

    first: Indices
    node: Indices
    row: Indices
    says: Numbers
    dead: Numbers
    gone: Numbers
    prior: Numbers


class Mixed(NamedTuple):
    """What follows, see :class:`repair.inference.judgement.Judgement`; all of it zero before it is filled in.

    Attributes:
        weight: of each way of reporting, shape (feeders, ways).
        log_evidence, lost_source: shape (feeders,).
        state: shape (nodes, 5).
        fault, flow, opened: shape (nodes,).
        cut: shape (nodes, 2).
        dark, was: shape (transformers,).
    """

    weight: Numbers
    log_evidence: Numbers
    lost_source: Numbers
    state: Numbers
    fault: Numbers
    flow: Numbers
    opened: Numbers
    cut: Numbers
    dark: Numbers
    was: Numbers

    @classmethod
    def of(cls, given: Given, spoken: Spoken) -> Mixed:
        """Return room for what follows."""
        feeders, nodes, transformers = len(given.back), len(given.parent), len(spoken.node)
        return cls(
            np.zeros((feeders, len(spoken.prior))), np.zeros(feeders), np.zeros(feeders), np.zeros((nodes, STATES)),
            np.zeros(nodes), np.zeros(nodes), np.zeros(nodes), np.zeros((nodes, 2)), np.zeros(transformers),
            np.zeros(transformers),
        )  # fmt: skip

    def put(self, feeders: Indices, nodes: Indices, transformers: Indices, other: Mixed) -> None:
        """Put what follows of some feeders in place of what stands here of them, their nodes and transformers."""
        for name, mine, theirs in zip(self._fields, self, other, strict=True):
            by_feeder, by_user = name in {"weight", "log_evidence", "lost_source"}, name in {"dark", "was"}
            mine[feeders if by_feeder else transformers if by_user else nodes] = theirs
