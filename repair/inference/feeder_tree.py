"""The tree in which an outage is looked for: 主线, 支线, 分支线, 台区 as places of the energised forest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network import Supply
from network.arrays import Indices
from network.representation import Shown

LEVELS = ("line", "trunk", "lateral", "sub_lateral")
"""整线, 主线, 支线, 分支线."""

MOST_NODES = 50_000
"""Nodes that are judged at once: memory does not grow with the network."""

COSTLY = 6
"""As so many nodes counts one of a piece that is not judged by itself, or not as a tree."""


@dataclass(frozen=True, eq=False, repr=False)
class FeederTree(Shown):
    """A supply divided into pieces: what hangs on each branch that leaves a source, and each source's own node.

    Signals of one piece tell nothing about another, so only the pieces that were spoken of are judged again.
    """

    supply: Supply

    @cached_property
    def first(self) -> Indices:
        """First place of each piece, shape (pieces,)."""
        above = self.supply.parent
        at_source = above == 0
        return np.flatnonzero(at_source | ((above > 0) & at_source[above]))

    @cached_property
    def last(self) -> Indices:
        """First place after each piece, shape (pieces,)."""
        return np.append(self.first[1:], len(self.supply.end))

    def piece_of(self, place: Indices) -> Indices:
        """Return the piece of each place; -1 where a place is dead, or above several pieces."""
        piece = np.searchsorted(self.first, place, side="right") - 1
        return np.where(place > 0, piece, -1)

    def chunks(self, groups: Iterable[list[int]]) -> Iterator[list[int]]:
        """Yield so many pieces as are judged at once, rising; those of one group stay together.

        Of pieces with closed rings, and of those that are judged together, more is kept for each node.
        """
        size = self.last - self.first
        chunk: list[int] = []
        nodes = 0
        for group in groups:
            more = int(size[group].sum())
            if len(group) > 1 or not self.rings.keys().isdisjoint(group):
                more *= COSTLY
            if chunk and nodes + more > MOST_NODES:
                yield sorted(chunk)
                chunk, nodes = [], 0
            chunk += group
            nodes += more
        if chunk:
            yield sorted(chunk)

    @cached_property
    def rings(self) -> dict[int, Indices]:
        """Of each piece with closed rings: positions in ``supply.forest.back_branch`` of the branches that close them."""
        lower = self.supply.forest.back_lower
        piece = self.piece_of(lower)
        return {int(each): np.flatnonzero(piece == each) for each in np.unique(piece[piece >= 0])}

    @cached_property
    def transformers_before(self) -> Indices:
        """How many transformers hang on places before each one, shape (places + 1,)."""
        place = self.supply.transformer_place
        count = np.bincount(place[place >= 0], minlength=len(self.supply.end))
        return np.concatenate([[0], np.cumsum(count)])

    def customer_place(self, customers: Indices) -> Indices:
        """Return the place that each of these customers hangs on, -1 where it is dead."""
        net = self.supply.network
        with_none = np.append(self.supply.transformer_place, -1)
        return self.supply.forest.meeting_place(
            with_none[net.customer_transformer[customers]], with_none[net.customer_second_transformer[customers]]
        )

    @cached_property
    def level(self) -> Indices:
        """The level of each place: index into :data:`LEVELS`, shape (places,).

        A feeder begins where its label begins on the way from the source, or, without labels, below the source. From there its
        trunk follows the way that carries most transformers; what leaves the trunk is a lateral, and what leaves that a
        sub-lateral.
        """
        supply = self.supply
        size = self.transformers_before[supply.end] - self.transformers_before[:-1]
        place = np.arange(len(size))
        order = np.lexsort((place, -size, supply.parent))
        heavy = np.zeros(len(size), dtype=np.bool_)
        heavy[order] = np.append(True, supply.parent[order][1:] != supply.parent[order][:-1])
        leaves = supply.sum_along_path((~heavy).astype(np.int64))
        heads = self._heads
        head = np.zeros(len(size), dtype=np.int64)
        for each in heads:
            head[each : supply.end[each]] = each
        return np.where((head == 0) | (head == place), 0, np.minimum(1 + leaves - leaves[head], 3))

    @cached_property
    def _heads(self) -> Indices:
        supply = self.supply
        labels = supply.network.branches["feeder_id"].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        label = np.append(labels, 0)[supply.branch_to]
        above = np.where(supply.parent >= 0, supply.parent, 0)
        starts = (label > 0) & (label != label[above])
        below_source = self.first[supply.parent[self.first] > 0]
        piece = self.piece_of(np.arange(len(label)))
        labelled = np.unique(piece[starts])
        unlabelled = below_source[~np.isin(piece[below_source], labelled)]
        return np.union1d(np.flatnonzero(starts), unlabelled)
