"""The kinds of array that the network is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from network.representation import Shown

Indices = npt.NDArray[np.int64]
"""Rows of a table, nodes, or places in depth-first order; -1 is none."""

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

NONE: Indices = np.zeros(0, dtype=np.int64)
"""No index."""


def distinct(values: Indices) -> Indices:
    """Return each value once, in rising order."""
    ordered = np.sort(values)
    once: Indices = ordered[np.diff(ordered, prepend=ordered[:1] - 1) != 0]
    return once


def among(values: Indices, known: Indices) -> Mask:
    """Return whether each value is one of those known; both of any order."""
    if not len(known):
        return np.zeros(values.shape, dtype=np.bool_)
    ordered = np.sort(known)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: Mask = ordered[place] == values
    return found


@dataclass(frozen=True, eq=False, repr=False)
class Groups(Shown):
    """Members by key: the transformers at a node, the customers of a transformer, the users at a place.

    Attributes:
        first: where the members of each key begin, shape (keys + 1,).
        member: all members, those of one key together, in rising order.
    """

    first: Indices
    member: Indices

    @classmethod
    def of(cls, keys: int, *key_of_member: Indices) -> Groups:
        """Group members 0, 1, 2 … by key.

        Args:
            keys: number of keys.
            key_of_member: key of each member, shape (members,), -1 for none; a member may have several keys, one per array.
        """
        known = [np.flatnonzero(key >= 0) for key in key_of_member]
        row = np.concatenate([key[members] for key, members in zip(key_of_member, known, strict=True)])
        column = np.concatenate(known)
        shape = (keys, max((len(key) for key in key_of_member), default=0))
        table = csr_array((np.ones(len(row), dtype=np.bool_), (row, column)), shape=shape)
        return cls(table.indptr.astype(np.int64), table.indices.astype(np.int64))

    def between(self, first: int, last: int) -> Indices:
        """Return the members of the keys from ``first`` up to, without, ``last``: one contiguous slice."""
        return self.member[self.first[first] : self.first[last]]

    def of_keys(self, keys: Indices) -> Indices:
        """Return the members of these keys, each once, in rising order."""
        begin, count = self.first[keys], self.first[keys + 1] - self.first[keys]
        shift = np.repeat(begin - np.concatenate([[0], np.cumsum(count)[:-1]]), count) if len(keys) else NONE
        return distinct(self.member[np.arange(len(shift)) + shift])


FEW_BRANCHES = 200
"""Up to so many are joined one by one: sooner done than a sparse matrix is made of them."""


def components(nodes: int, tail: Indices, head: Indices) -> Indices:
    """Return the connected part of each node, from 0.

    Args:
        nodes: number of nodes.
        tail: node at one end of each branch that joins them, shape (branches,).
        head: node at its other end, shape (branches,).

    Returns:
        Shape (nodes,).
    """
    if len(tail) <= FEW_BRANCHES:
        return _components_of_few(nodes, tail.tolist(), head.tolist())
    graph = csr_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _components_of_few(nodes: int, tail: list[int], head: list[int]) -> Indices:
    """Return the connected part of each node, where few branches join any."""
    lowest: dict[int, int] = {}

    def lowest_of(node: int) -> int:
        while (below := lowest.get(node, node)) != node:
            lowest[node] = lowest.get(below, below)
            node = below
        return node

    for one, other in zip(tail, head, strict=True):
        first, second = lowest_of(one), lowest_of(other)
        if first != second:
            lowest[max(first, second)] = min(first, second)
    joined = np.arange(nodes)
    joined[list(lowest)] = [lowest_of(node) for node in lowest]
    first = joined == np.arange(nodes)
    return (np.cumsum(first) - 1)[joined]
