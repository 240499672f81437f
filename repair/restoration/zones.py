"""What lost supply, contracted: zones that are fed as a whole, the switches between them, and where power can come in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, components
from network.forest import Forest
from network.representation import Shown
from repair.isolation import MAKES_LOAD, Isolation


@dataclass(frozen=True, eq=False, repr=False)
class Zones(Shown):
    """The healthy zones that lost supply and could get it again from somewhere, without passing the fault.

    Two live nodes on the way out are two ports; a zone is what closed branches join that nobody can open.

    Attributes:
        isolation: the fault.
        nodes: the nodes of all zones, rising, shape (nodes,).
        zone: zone of each node: 0, 1, …; shape (nodes,).
        count: number of zones.
        switch: branches that may be operated between two zones or towards a live node, shape (switches,).
        first: zone at one end of each, -1 where that end is live, shape (switches,).
        second: zone at the other end, shape (switches,).
        closed: whether each is closed after the trip, shape (switches,).
        isolating: devices between the fault and one of these zones, or a live node: they have to be open.
        forest: the inner branches of the zones in depth-first order, by index in ``nodes``; a root for each zone.
    """

    isolation: Isolation
    nodes: Indices
    zone: Indices
    count: int
    switch: Indices
    first: Indices
    second: Indices
    closed: Mask
    isolating: Indices
    forest: Forest

    @classmethod
    def of(cls, fault: Isolation) -> Zones:
        """Contract what a fault took."""
        net, after, dead = fault.network, fault.after, fault.dead
        around = net.branches_at_node.of_keys(dead)
        ends = np.stack([net.from_node[around], net.to_node[around]])
        at = np.stack([_index_in(dead, ends[0]), _index_in(dead, ends[1])])
        is_open = after.is_open_at(around)
        inner = (at >= 0).all(axis=0) & ~is_open & fault.joins[around]
        label = components(len(dead), at[0, inner], at[1, inner])
        faulted = np.isin(dead, fault.zone)
        label[faulted] = -1

        live = after.live(ends.ravel()).reshape(2, -1)
        usable = _usable(fault, around, np.append(label, -1)[at], live)
        label = _feedable(label, np.append(label, -1)[at][:, usable])
        zones = np.append(label, -1)[at]
        usable &= (zones >= 0).any(axis=0)

        in_fault = np.append(faulted, False)[at]
        bordering = in_fault.any(axis=0) & ((zones >= 0) | live).any(axis=0) & ~fault.before.is_open_at(around)
        own = label >= 0
        lines = inner & (zones >= 0).all(axis=0)
        index = np.cumsum(own) - 1
        roots = np.unique(label[own], return_index=True)[1]
        forest = Forest.grow(int(own.sum()), around[lines], index[at[0, lines]], index[at[1, lines]], roots)
        zones = np.sort(zones[:, usable], axis=0)
        return cls(
            fault, dead[own], label[own], len(roots), around[usable], zones[0], zones[1], ~is_open[usable],
            around[bordering], forest,
        )  # fmt: skip

    @cached_property
    def port(self) -> Mask:
        """Whether each switch leads to a live node, shape (switches,)."""
        return self.first < 0

    @cached_property
    def live_node(self) -> Indices:
        """The live node of each port, -1 for other switches, shape (switches,)."""
        net = self.isolation.network
        tail, head = net.from_node[self.switch], net.to_node[self.switch]
        return np.where(self.port, np.where(_index_in(self.nodes, tail) < 0, tail, head), -1)

    def node_at(self, zone: Indices) -> Indices:
        """Return the index in ``nodes`` of each switch's end in these zones, one zone per switch."""
        net = self.isolation.network
        at_tail, at_head = (_index_in(self.nodes, end[self.switch]) for end in (net.from_node, net.to_node))
        with_none = np.append(self.zone, -1)
        return np.where(with_none[at_tail] == zone, at_tail, at_head)

    def zone_of(self, nodes: Indices) -> Indices:
        """Return the zone of each of these nodes, -1 where it is in none."""
        return np.append(self.zone, -1)[_index_in(self.nodes, nodes)]


def _index_in(nodes: Indices, wanted: Indices) -> Indices:
    """Return where each wanted node stands in a rising list, -1 where it does not."""
    if len(nodes) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(nodes, wanted), len(nodes) - 1)
    return np.where(nodes[at] == wanted, at, -1)


def _usable(fault: Isolation, branches: Indices, zones: Indices, live: Mask) -> Mask:
    """Return which branches may be operated between two zones, or closed from a live node onto a zone.

    Args:
        fault: the fault.
        branches: the branches at dead nodes, shape (branches,).
        zones: zone at both ends, -1 for none, shape (2, branches).
        live: whether both ends are live, shape (2, branches).
    """
    makes = fault.network.branches["kind"].gather(branches).is_in(MAKES_LOAD).to_numpy()
    between = (zones >= 0).all(axis=0) & (zones[0] != zones[1])
    port = (zones >= 0).any(axis=0) & live.any(axis=0)
    usable: Mask = ~fault.barred[branches] & (between | (port & makes))
    return usable


def _feedable(label: Indices, switches: Indices) -> Indices:
    """Number anew, from 0, the zones that a live node reaches through these switches; all others become -1.

    Args:
        label: zone of each node, -1 for none, shape (nodes,).
        switches: zone at both ends of each switch, -1 at a live end, shape (2, switches).
    """
    count = len(label)
    tail, head = np.where(switches < 0, count, switches)
    joined = components(count + 1, tail, head)
    kept = (label >= 0) & (joined[label] == joined[count])
    numbered = np.full(count, -1, dtype=np.int64)
    numbered[kept] = np.unique(label[kept], return_inverse=True)[1]
    return numbered
