"""SimBench networks, and what pandapower itself says of them."""

from __future__ import annotations

from typing import Any

import networkx as nx
from pandapower.topology import create_nxgraph, unsupplied_buses

LOW_VOLTAGE_KV = 1.0
_TABLES = {"b": "switch", "l": "line", "t": "trafo"}


class Topology:
    """Who has no supply while one switch is open, by ``pandapower.topology.unsupplied_buses``.

    Asked of 20,000 switches on the whole graph it takes minutes, so the graph is parted: each low-voltage grid hangs on
    one bus of a transformer, so that an edge inside can cut off only what is inside, and an edge above cuts off the grid
    as a whole. That it does hang so is asserted.
    """

    def __init__(self, net: Any) -> None:
        self.net = net
        self.graph = create_nxgraph(net)
        self.unsupplied = unsupplied_buses(net, mg=self.graph)
        self.slacks = set(net.ext_grid.bus[net.ext_grid.in_service])
        self.loads_at: dict[int, set[int]] = {}
        for load, bus in net.load.bus[net.load.in_service].items():
            self.loads_at.setdefault(bus, set()).add(load)
        low = set(net.bus.index[net.bus.vn_kv < LOW_VOLTAGE_KV])
        self.grid_of: dict[int, tuple[Any, int]] = {}
        self.members: dict[int, set[int]] = {}
        inside: set[int] = set()
        for grid in nx.connected_components(self.graph.subgraph(low)):
            roots = [bus for bus in grid if any(neighbour not in low for neighbour in self.graph[bus])]
            assert len(roots) == 1, roots
            part = self.graph.subgraph(grid).copy()
            self.members[roots[0]] = grid
            self.grid_of |= dict.fromkeys(grid, (part, roots[0]))
            inside |= grid - set(roots)
        self.above = self.graph.subgraph(set(self.graph) - inside).copy()

    def edge(self, index: int) -> tuple[int, int, tuple[str, int]]:
        """Return the edge that opening a switch removes: the element that it stands in front of, or the switch itself."""
        switch = self.net.switch.loc[index]
        table, element = _TABLES[switch.et], switch.element
        if table == "switch":
            return switch.bus, element, (table, index)
        columns = ("from_bus", "to_bus") if table == "line" else ("hv_bus", "lv_bus")
        return *(self.net[table].at[element, column] for column in columns), (table, element)

    def lost(self, edge: tuple[int, int, tuple[str, int]]) -> frozenset[int]:
        """Return the loads that lose supply when an edge opens; nobody where it is open already."""
        from_bus, to_bus, key = edge
        part, slacks = self.above, self.slacks
        if from_bus in self.grid_of and to_bus in self.grid_of:
            part, root = self.grid_of[from_bus]
            slacks = {root}
        if not part.has_edge(from_bus, to_bus, key):
            return frozenset()
        data = part.edges[from_bus, to_bus, key]
        part.remove_edge(from_bus, to_bus, key)
        buses = unsupplied_buses(self.net, mg=part, slacks=slacks)
        part.add_edge(from_bus, to_bus, key, **data)
        if part is self.above:
            buses = set().union(buses, *(self.members.get(bus, ()) for bus in buses))
        lost = [self.loads_at.get(bus, set()) for bus in buses - self.unsupplied]
        return frozenset().union(*lost)
