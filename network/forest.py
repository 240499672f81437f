"""A graph in depth-first order from its sources: slices below, sums below, sums along the path, bridges.

All nodes that a source reaches are numbered in depth-first order from one virtual root above the sources, so that

* what lies below a branch is one slice of that order,
* a sum below, for all branches at once, is one running sum, and so is a sum along the path.

Loops need no exception. In a depth-first tree every branch outside the tree leads from a node to one of its own ancestors,
and so secures the whole path between them: a tree branch cuts something off only if no such branch passes it (it is then a
bridge; Tarjan, Information Processing Letters 2(6), 1974). How many pass it is a sum below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import depth_first_order

from network.arrays import NONE, Indices, Mask
from network.representation import Shown

Amounts = TypeVar("Amounts", np.float64, np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class Forest(Shown):
    """What the sources reach. Places count in depth-first order; place 0 is the virtual root above all sources.

    Attributes:
        node_at: node at each place, -1 for the root, shape (places,).
        place_of: place of each node, -1 where no source reaches it, shape (nodes + 1,); the last is -1, so that the index
            -1 (no node) has no place either.
        parent: place of the node next towards the source, -1 for the root, shape (places,).
        end: first place after everything below, shape (places,).
        branch_to: branch by which each place is reached, -1 for roots, shape (places,).
        is_bridge: whether that branch alone cuts the place off, shape (places,).
        back_branch: branches outside the tree, by rising lower place; -1 for a root that another root reaches.
        back_lower, back_upper: places of their ends; the upper one is an ancestor of the lower one.
    """

    node_at: Indices
    place_of: Indices
    parent: Indices
    end: Indices
    branch_to: Indices
    is_bridge: Mask
    back_branch: Indices
    back_lower: Indices
    back_upper: Indices

    @classmethod
    def grow(cls, nodes: int, branch: Indices, tail: Indices, head: Indices, roots: Indices) -> Forest:
        """Return the forest of a graph.

        Args:
            nodes: number of nodes.
            branch: the branches that conduct, shape (edges,), as they shall be named.
            tail: node at one end of each, shape (edges,).
            head: node at the other end, shape (edges,).
            roots: the sources' nodes; the first one that reaches a node has it.
        """
        if len(roots) == 0:
            return cls._nothing(nodes)
        # The roots hang on a chain of helpers, one each: the search scans a node's neighbours again after every child,
        # so that one helper with all roots would cost the square of their number.
        helper = nodes + np.arange(len(roots))
        row = np.concatenate([tail, head, helper, helper[:-1]])
        column = np.concatenate([head, tail, roots, helper[1:]])
        graph = csr_array((np.ones(len(row)), (row, column)), shape=(nodes + len(roots),) * 2)
        order, predecessor = depth_first_order(graph, nodes)
        reached = order[order < nodes].astype(np.int64)
        node_at = np.concatenate([[-1], reached])
        place_of = np.full(nodes + 1, -1, dtype=np.int64)
        place_of[reached] = np.arange(1, len(node_at))
        above = predecessor[reached]
        parent = np.concatenate([[-1], np.where(above >= nodes, 0, place_of[np.minimum(above, nodes)])])
        end = _ends(parent)

        first, second = place_of[tail], place_of[head]
        lower, upper = np.maximum(first, second), np.minimum(first, second)
        inside = np.flatnonzero(lower >= 0)
        lower, upper = lower[inside], upper[inside]
        in_tree = np.flatnonzero(parent[lower] == upper)
        edge_to = np.full(len(node_at), -1, dtype=np.int64)
        edge_to[lower[in_tree]] = in_tree
        outside = np.ones(len(lower), dtype=np.bool_)
        outside[edge_to[edge_to >= 0]] = False
        branch_to = np.where(edge_to >= 0, branch[inside][edge_to] if len(inside) else -1, -1)

        reached_root = place_of[np.unique(roots)]
        inner_root = reached_root[parent[reached_root] > 0]
        back_lower = np.concatenate([lower[outside], inner_root])
        by_lower = np.argsort(back_lower, kind="stable")
        back_lower = back_lower[by_lower]
        back_upper = np.concatenate([upper[outside], np.zeros(len(inner_root), dtype=np.int64)])[by_lower]
        back_branch = np.concatenate([branch[inside][outside], np.full(len(inner_root), -1)])[by_lower]
        passing = np.bincount(back_lower, minlength=len(end)) - np.bincount(back_upper, minlength=len(end))
        is_bridge = sum_below(end, passing) == 0
        return cls(node_at, place_of, parent, end, branch_to, is_bridge, back_branch, back_lower, back_upper)

    @classmethod
    def _nothing(cls, nodes: int) -> Forest:
        root = np.array([-1], dtype=np.int64)
        nowhere = np.full(nodes + 1, -1, dtype=np.int64)
        return cls(root, nowhere, root, np.array([1]), root, np.array([True]), NONE, NONE, NONE)

    @property
    def reached(self) -> Mask:
        """Whether a source reaches each node, shape (nodes,)."""
        return self.place_of[:-1] >= 0

    def meeting_place(self, first: Indices, second: Indices) -> Indices:
        """Return where the ways of two places to the root meet; the other one where one is -1."""
        low, high = np.maximum(first, second), np.minimum(first, second)
        both = np.flatnonzero(high >= 0)
        inner, outer = low[both], high[both].copy()
        apart = inner >= self.end[outer]
        while apart.any():
            outer[apart] = self.parent[outer[apart]]
            apart = inner >= self.end[outer]
        low[both] = outer
        return low


def sum_below(end: Indices, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
    """Return, for each place, the sum of ``at_place`` over it and everything below it; both of shape (places,).

    A sum is not a number where one of its terms is not.
    """
    return _with_gaps(at_place, lambda amounts: _below(end, amounts))


def sum_along_path(end: Indices, at_place: npt.NDArray[Amounts]) -> npt.NDArray[Amounts]:
    """Return, for each place, the sum of ``at_place`` over it and every place above it; both of shape (places,).

    A sum is not a number where one of its terms is not.
    """
    return _with_gaps(at_place, lambda amounts: _along_path(end, amounts))


def _with_gaps(at_place: npt.NDArray[Amounts], add: Callable[[Any], Any]) -> npt.NDArray[Amounts]:
    """Add up what is known, with the longest float of the machine, and blank the sums that miss a term.

    A running sum over a large network would else cost small sums their last digits, and one unknown all that follow it.
    """
    if at_place.dtype.kind != "f":
        exact: npt.NDArray[Amounts] = add(at_place)
        return exact
    unknown = np.isnan(at_place)
    sums: npt.NDArray[Amounts] = add(np.where(unknown, 0.0, at_place).astype(np.longdouble)).astype(at_place.dtype)
    if unknown.any():
        sums[add(unknown.astype(np.int64)) > 0] = np.nan
    return sums


def _below(end: Indices, at_place: npt.NDArray[Any]) -> npt.NDArray[Any]:
    running = np.concatenate([np.zeros(1, dtype=at_place.dtype), np.cumsum(at_place)])
    sums: npt.NDArray[Any] = running[end] - running[:-1]
    return sums


def _along_path(end: Indices, at_place: npt.NDArray[Any]) -> npt.NDArray[Any]:
    change = np.append(at_place, np.zeros(1, dtype=at_place.dtype))
    np.subtract.at(change, end, at_place)
    return np.cumsum(change)[:-1]


def _ends(parent: Indices) -> Indices:
    """Return the first place after everything below each place, given parents in depth-first order.

    A place ends where its next sibling begins; a last child ends where its parent does.
    """
    count = len(parent)
    by_parent = np.argsort(parent, kind="stable")
    sibling = np.full(count, -1, dtype=np.int64)
    same = parent[by_parent[1:]] == parent[by_parent[:-1]]
    sibling[by_parent[:-1][same]] = by_parent[1:][same]
    answer = np.where(sibling >= 0, np.arange(count), parent)
    answer[0] = 0
    while not np.array_equal(further := answer[answer], answer):
        answer = further
    sibling[0] = count
    return sibling[answer]


def first_label_on_path(forest: Forest, has_label: Mask) -> Indices:
    """Return, for each node, the first branch with a label on its way from the source, shape (nodes,).

    Args:
        forest: nodes in depth-first order.
        has_label: whether each branch has one, shape (branches,).

    Returns:
        Branch indices; -1 where a node is dead or no branch above it has a label.
    """
    labelled = np.append(has_label, False)[forest.branch_to]
    first = np.flatnonzero(labelled & (sum_along_path(forest.end, labelled.astype(np.int64)) == 1))
    owner = np.zeros(len(forest.end) + 1, dtype=np.int64)
    owner[first] += forest.branch_to[first] + 1
    np.subtract.at(owner, forest.end[first], forest.branch_to[first] + 1)
    at_place = np.cumsum(owner)[:-1] - 1
    places = forest.place_of[:-1]
    return np.where(places >= 0, at_place[places], -1)
