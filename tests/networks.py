"""Random networks for property tests, and the slow, obvious answer: open the branch, search the graph."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import networkx as nx
from hypothesis import strategies as st

from network import Network, network_from_tables


@dataclass
class Plain:
    """A network as plain lists."""

    sources: list[str]
    branches: list[tuple[str, str, bool]]
    transformers: list[tuple[str, str | None]]
    customers: list[tuple[int, int | None]] = field(default_factory=list)

    def network(self) -> Network:
        return network_from_tables(
            {
                "sources": [{"node": node} for node in self.sources],
                "branches": [
                    {"branch_id": f"B{i}", "from_node": a, "to_node": b, "kind": "switch", "normally_open": is_open}
                    for i, (a, b, is_open) in enumerate(self.branches)
                ],
                "transformers": [
                    {"transformer_id": f"T{i}", "node": a, "second_node": b}
                    for i, (a, b) in enumerate(self.transformers)
                ],
                "customers": [
                    {
                        "customer_id": f"C{i}",
                        "transformer_id": f"T{a}",
                        "second_transformer_id": None if b is None else f"T{b}",
                    }
                    for i, (a, b) in enumerate(self.customers)
                ],
            }
        )

    def live_nodes(self, opened: set[int], closed: AbstractSet[int] = frozenset()) -> set[str]:
        graph = nx.Graph()
        graph.add_nodes_from(self.sources)
        for i, (a, b, is_open) in enumerate(self.branches):
            if (i not in opened) and (i in closed or not is_open):
                graph.add_edge(a, b)
        return (
            set().union(*(nx.node_connected_component(graph, source) for source in self.sources))
            if self.sources
            else set()
        )

    def live_transformers(self, opened: set[int], closed: AbstractSet[int] = frozenset()) -> set[int]:
        live = self.live_nodes(opened, closed)
        return {i for i, (a, b) in enumerate(self.transformers) if a in live or (b is not None and b in live)}

    def live_customers(self, opened: set[int], closed: AbstractSet[int] = frozenset()) -> set[int]:
        live = self.live_transformers(opened, closed)
        return {i for i, (a, b) in enumerate(self.customers) if a in live or (b is not None and b in live)}


@st.composite
def plain_networks(draw: st.DrawFn, most_nodes: int = 14) -> Plain:
    """Draw a network with rings, parallel branches, several sources, islands, ties and users with two supplies."""
    count = draw(st.integers(2, most_nodes))
    nodes = [f"N{i}" for i in range(count)]
    node = st.sampled_from(nodes)
    branches = []
    for i in range(1, count):
        if draw(st.integers(0, 9)):
            above = nodes[draw(st.integers(0, i - 1))]
            branches.append((above, nodes[i], draw(st.integers(0, 6)) == 0))
    for _ in range(draw(st.integers(0, 6))):
        a, b = draw(node), draw(node)
        if a != b:
            branches.append((a, b, draw(st.booleans())))
    branches = [(b, a, is_open) if draw(st.booleans()) else (a, b, is_open) for a, b, is_open in branches]
    if not branches:
        branches = [(nodes[0], nodes[1], False)]
    sources = draw(st.lists(node, min_size=1, max_size=3, unique=True))
    transformers = draw(st.lists(st.tuples(node, st.none() | node), min_size=1, max_size=10))
    used = {end for a, b, _ in branches for end in (a, b)} | set(sources)
    transformers = [(a, b if b in used else None) for a, b in transformers if a in used] or [(sources[0], None)]
    user = st.integers(0, len(transformers) - 1)
    customers = draw(st.lists(st.tuples(user, st.none() | user), max_size=12))
    return Plain(sources, branches, transformers, customers)
