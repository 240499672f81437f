"""The depth-first order: the compiled search and the patient one for nodes with very many branches are one and the same."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import forest
from network.forest import Forest


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Draw nodes, both ends of branches, and roots; parallel branches and islands are among them."""
    nodes = draw(st.integers(1, 12))
    node = st.integers(0, nodes - 1)
    ends = (
        draw(st.lists(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), max_size=20)) if nodes > 1 else []
    )
    roots = draw(st.lists(node, min_size=1, max_size=3))
    tail, head = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return nodes, tail, head, np.array(roots, dtype=np.int64)


@given(graphs())
def test_both_searches_grow_the_same_forest(graph: tuple[int, np.ndarray, np.ndarray, np.ndarray]) -> None:
    nodes, tail, head, roots = graph
    compiled = Forest.grow(nodes, np.arange(len(tail)), tail, head, roots)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest, "_MOST_SCANS", 0)
        patient = Forest.grow(nodes, np.arange(len(tail)), tail, head, roots)
    for name in (
        "node_at",
        "place_of",
        "parent",
        "end",
        "branch_to",
        "is_bridge",
        "back_branch",
        "back_lower",
        "back_upper",
    ):
        np.testing.assert_array_equal(getattr(patient, name), getattr(compiled, name), err_msg=name)


@pytest.mark.parametrize("spokes", [1, 2])
def test_a_star_costs_no_more_than_a_path(spokes: int) -> None:
    """The compiled search alone would take some ten seconds here."""
    count = 200_000
    hub = np.zeros(count, dtype=np.int64)
    ring = np.arange(1, count + 1)
    tail, head = (hub, ring) if spokes == 1 else (np.concatenate([hub, ring[:-1]]), np.concatenate([ring, ring[1:]]))
    begun = time.process_time()
    grown = Forest.grow(count + 1, np.arange(len(tail)), tail, head, np.array([0]))
    assert time.process_time() - begun < 3
    assert grown.reached.all()
    assert grown.is_bridge[1:].all() == (spokes == 1)
