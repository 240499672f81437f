"""Loops that are closed in one state of the switches: rings, parallel branches, feeders and sources run in parallel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Groups, Indices, components
from network.forest import Forest, sum_below
from network.representation import Shown
from network.topology import Topology


@dataclass(frozen=True, eq=False, repr=False)
class Loop(Shown):
    """Branches that are operated as one closed loop, or as a closed way from one source to another.

    Attributes:
        network: the network they belong to.
        branch_index: shape (branches of the loop,).
        source_node: the sources that the loop passes.
    """

    network: Topology
    branch_index: Indices
    source_node: Indices

    @property
    def branches(self) -> list[str]:
        """Branch ids in the order of the table."""
        return self.network.branches["branch_id"].gather(np.sort(self.branch_index)).to_list()

    @property
    def sources(self) -> list[str]:
        """Node ids of the sources that the loop passes; two or more run in parallel."""
        return self.network.nodes.gather(np.sort(self.source_node)).to_list()

    @cached_property
    def feeders(self) -> list[str]:
        """Feeder labels of the branches, in alphabetical order; ties between feeders may carry none."""
        labels = self.network.branches["feeder_id"].gather(self.branch_index).to_list()
        return sorted({label for label in labels if label is not None})

    @property
    def is_parallel(self) -> bool:
        """Whether two sources or two feeders are connected, which is allowed for the time of a transfer at most."""
        return len(self.source_node) > 1 or len(self.feeders) > 1

    def as_dict(self) -> dict[str, list[str]]:
        """Return ``branches``, ``feeders`` and ``sources``."""
        return {"branches": self.branches, "feeders": self.feeders, "sources": self.sources}


def loops_of(network: Topology, forest: Forest) -> tuple[Loop, ...]:
    """Return the loops among the branches that a forest reaches.

    Loops with a branch in common are one, loops with only a node in common are not: they are the blocks of the graph in which
    all sources are one node, since a way from one source to another is a loop too.
    """
    branch = np.concatenate([forest.branch_to[~forest.is_bridge], forest.back_branch])
    branch = branch[branch >= 0]
    if len(branch) == 0:
        return ()
    nodes, end = np.unique(
        np.concatenate([network.from_node[branch], network.to_node[branch], network.source_node]), return_inverse=True
    )
    sources = np.unique(end[2 * len(branch) :])
    ground = int(sources[0])
    end = np.where(np.isin(end, sources), ground, end)
    tail, head = end[: len(branch)], end[len(branch) : 2 * len(branch)]
    component = components(len(nodes), tail, head)
    root = np.unique(component, return_index=True)[1]
    root[component[ground]] = ground
    label = _blocks(Forest.grow(len(nodes), np.arange(len(branch)), tail, head, root), len(branch))
    members = Groups.of(int(label.max()) + 1, label)
    is_source = np.zeros(len(network.nodes), dtype=np.bool_)
    is_source[network.source_node] = True
    found = []
    for loop in range(int(label.max()) + 1):
        own = branch[members.between(loop, loop + 1)]
        ends = np.unique(np.concatenate([network.from_node[own], network.to_node[own]]))
        found.append(Loop(network, own, ends[is_source[ends]]))
    return tuple(found)


def _blocks(forest: Forest, branches: int) -> Indices:
    """Return the loop (0, 1 …) of each branch of a forest in which every branch lies on one, shape (branches,).

    A tree branch is on one loop with the tree branch above it if something passes both; what passes it and no more ends between
    the two. So each loop has one topmost tree branch; a branch outside the tree lies on the loop of the branch above its
    lower end.
    """
    places = len(forest.end)
    tree = np.flatnonzero(forest.branch_to >= 0)
    real = forest.back_lower != forest.back_upper
    lower, upper = forest.back_lower[real], forest.back_upper[real]
    by_parent = tree[np.argsort(forest.parent[tree] * places + tree)]
    child = by_parent[
        np.searchsorted(forest.parent[by_parent] * places + by_parent, upper * places + lower, side="right") - 1
    ]
    passing = sum_below(forest.end, np.bincount(lower, minlength=places) - np.bincount(upper, minlength=places))
    with_upper = tree[passing[tree] > np.bincount(child, minlength=places)[tree]]
    top = np.arange(places)
    top[with_upper] = forest.parent[with_upper]
    while not np.array_equal(higher := top[top], top):
        top = higher
    label = np.full(branches, -1, dtype=np.int64)
    label[forest.branch_to[tree]] = top[tree]
    label[forest.back_branch[real]] = top[lower]
    alone = np.flatnonzero(label < 0)
    label[alone] = places + np.arange(len(alone))
    return np.unique(label, return_inverse=True)[1]
