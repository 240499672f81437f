"""Nodes that branches join, against a walk through the graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import arrays
from network.arrays import components


def walked(nodes: int, branches: list[tuple[int, int]]) -> list[int]:
    part = [-1] * nodes
    for first in range(nodes):
        if part[first] >= 0:
            continue
        number, edge = max(part) + 1, [first]
        while edge:
            node = edge.pop()
            if part[node] < 0:
                part[node] = number
                edge += [b if a == node else a for a, b in branches if node in {a, b}]
    return part


@given(st.data())
def test_nodes_that_branches_join_are_one_part_numbered_by_their_first_node(data: st.DataObject) -> None:
    nodes = data.draw(st.integers(1, 20))
    node = st.integers(0, nodes - 1)
    branches = data.draw(st.lists(st.tuples(node, node), max_size=30))
    tail, head = (np.array([each[end] for each in branches], dtype=np.int64) for end in (0, 1))
    assert components(nodes, tail, head).tolist() == walked(nodes, branches)


def test_many_branches_are_joined_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.random.default_rng(1)
    nodes, many = 900, arrays.FEW_BRANCHES * 3
    tail, head = drawn.integers(0, nodes, (2, many))
    at_once = components(nodes, tail, head)
    monkeypatch.setattr(arrays, "FEW_BRANCHES", many)
    assert np.array_equal(components(nodes, tail, head), at_once)
