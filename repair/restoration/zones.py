"""What lost supply, contracted: zones that are fed as a whole, the switches between them, and where power can come in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import NONE, Indices, Mask, components
from network.forest import Forest, sum_below
from network.representation import Shown
from repair.isolation import BREAKS_LOAD, MAKES_LOAD, Isolation


@dataclass(frozen=True, eq=False, repr=False)
class Zones(Shown):
    """The healthy zones that lost supply and could get it again without passing the fault, and live ones that could be moved.

    Two live nodes on the way out are two ports; a zone is what closed branches join that nobody can open, or that stay closed.
    De-energised stock, such as a tie cable that is open at both ends, is a zone too: nobody hangs on it, but power may pass.

    Attributes:
        isolation: the fault.
        nodes: the nodes of all zones, rising, shape (nodes,).
        zone: zone of each node: 0, 1, …; shape (nodes,).
        count: number of zones.
        live: whether each zone has supply after the trip, shape (zones,).
        root: the source's node of each zone that holds one, -1 for others, shape (zones,).
        switch: branches that may be operated between two zones or towards a live node, shape (switches,).
        first: zone at one end of each, -1 where that end is live and in no zone, shape (switches,).
        second: zone at the other end, shape (switches,).
        closed: whether each is closed after the trip, shape (switches,).
        isolating: devices between the fault and one of these zones, or a live node: they have to be open.
        forest: the inner branches of the zones in depth-first order, by index in ``nodes``; a root for each zone.
    """

    isolation: Isolation
    nodes: Indices
    zone: Indices
    count: int
    live: Mask
    root: Indices
    switch: Indices
    first: Indices
    second: Indices
    closed: Mask
    isolating: Indices
    forest: Forest

    @classmethod
    def of(cls, fault: Isolation, movable: Indices = NONE, opens: Indices | None = None) -> Zones:
        """Contract what a fault took, and live feeders whose load may be moved.

        Args:
            fault: the fault.
            movable: nodes of radial live feeders, with their sources'.
            opens: the closed switches that may be opened, any by default; the others join, but for those that isolate the fault.
        """
        net, after = fault.network, fault.after
        nodes = np.unique(np.concatenate([fault.dead, _stock(fault), movable]))
        around = net.branches_at_node.of_keys(nodes)
        ends = np.stack([net.from_node[around], net.to_node[around]])
        at = np.stack([_index_in(nodes, ends[0]), _index_in(nodes, ends[1])])
        is_open = after.is_open_at(around)
        in_fault = np.append(np.isin(nodes, fault.zone), False)[at]
        live = after.live(ends.ravel()).reshape(2, -1)
        stays = fault.joins[around] | (live.all(axis=0) & ~_of_kind(fault, around, BREAKS_LOAD))
        stays |= _feeds_a_dead_end(fault, around, movable)
        if opens is not None:
            stays |= ~np.isin(around, opens)
        inner = (at >= 0).all(axis=0) & ~is_open & stays & ~in_fault.any(axis=0)
        label = components(len(nodes), at[0, inner], at[1, inner])
        label[np.isin(nodes, fault.zone)] = -1

        is_root = net.is_source[nodes] & after.live(nodes)
        node_is_live = np.append(after.live(nodes), False)
        usable = _usable(fault, around, np.append(label, -1)[at], live, node_is_live[at] & (at >= 0))
        label = _feedable(label, np.append(label, -1)[at][:, usable], label[is_root])
        zones = np.append(label, -1)[at]
        usable &= (zones >= 0).any(axis=0)

        bordering = in_fault.any(axis=0) & ((zones >= 0) | live).any(axis=0) & ~fault.before.is_open_at(around)
        own = label >= 0
        lines = inner & (zones >= 0).all(axis=0)
        index = np.cumsum(own) - 1
        roots = np.unique(label[own], return_index=True)[1]
        root = np.full(len(roots), -1, dtype=np.int64)
        root[label[is_root & own]] = nodes[is_root & own]
        roots[label[is_root & own]] = index[is_root & own]
        forest = Forest.grow(int(own.sum()), around[lines], index[at[0, lines]], index[at[1, lines]], roots)
        zone_is_live = np.zeros(len(roots), dtype=np.bool_)
        zone_is_live[label[own]] = node_is_live[:-1][own]
        zones = np.sort(zones[:, usable], axis=0)
        return cls(
            fault, nodes[own], label[own], len(roots), zone_is_live, root, around[usable], zones[0], zones[1],
            ~is_open[usable], around[bordering], forest,
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


def _of_kind(fault: Isolation, branches: Indices, kinds: tuple[str, ...]) -> Mask:
    """Return whether each of these branches is a device of one of these kinds."""
    return fault.network.of_kind(kinds)[branches]


def _feeds_a_dead_end(fault: Isolation, branches: Indices, movable: Indices) -> Mask:
    """Return which closed devices of live feeders feed what no other device leads to: whoever opens one cuts somebody off.

    Args:
        fault: the fault.
        branches: the branches, shape (branches,).
        movable: nodes of radial live feeders.
    """
    net, after = fault.network, fault.after
    if not len(movable):
        return np.zeros(len(branches), dtype=np.bool_)
    ways = np.flatnonzero(net.switching & after.is_open & ~fault.barred)
    ends = np.bincount(np.concatenate([net.from_node[ways], net.to_node[ways]]), minlength=len(net.nodes))
    found = []
    for part in after.parts_of(movable):
        forest = part.forest
        below = sum_below(forest.end, np.append(ends[part.nodes], 0)[forest.node_at])
        found.append(forest.branch_to[(below == 0) & (forest.branch_to >= 0)])
    return np.isin(branches, np.concatenate(found))


def _stock(fault: Isolation) -> Indices:
    """Return the nodes without supply, now and in the normal state, that switches part from what lost it: spare cables."""
    net, normal = fault.network, fault.network.normal_forest.reached
    if normal.all() or not len(fault.dead):
        return NONE
    found, edge = NONE, fault.dead
    while len(edge):
        around = net.branches_at_node.of_keys(edge)
        ends = np.unique(np.concatenate([net.from_node[around], net.to_node[around]]))
        ends = ends[~normal[ends] & ~fault.after.live(ends) & ~fault.before.live(ends)]
        edge = np.setdiff1d(ends, found)
        found = np.union1d(found, edge)
    return found


def _usable(fault: Isolation, branches: Indices, zones: Indices, live: Mask, in_live_zone: Mask) -> Mask:
    """Return which branches may be operated between two zones, or closed from a live node onto a zone without supply.

    Args:
        fault: the fault.
        branches: the branches at the nodes of the zones, shape (branches,).
        zones: zone at both ends, -1 for none, shape (2, branches).
        live: whether both ends are live, shape (2, branches).
        in_live_zone: whether both ends are live in a zone, shape (2, branches).
    """
    makes = _of_kind(fault, branches, MAKES_LOAD)
    between = (zones >= 0).all(axis=0) & (zones[0] != zones[1])
    between &= makes | ~in_live_zone.any(axis=0) | ~fault.after.is_open_at(branches)
    port = ((zones >= 0) & ~in_live_zone).any(axis=0) & (live & ~in_live_zone).any(axis=0) & (zones < 0).any(axis=0)
    usable: Mask = ~fault.barred[branches] & (between | (port & makes))
    return usable


def _feedable(label: Indices, switches: Indices, live: Indices) -> Indices:
    """Number anew, from 0, the zones that a live node reaches through these switches; all others become -1.

    Args:
        label: zone of each node, -1 for none, shape (nodes,).
        switches: zone at both ends of each switch, -1 at a live end, shape (2, switches).
        live: zones that hold a source.
    """
    count = len(label)
    tail, head = np.where(switches < 0, count, switches)
    tail, head = np.concatenate([tail, live]), np.concatenate([head, np.full(len(live), count)])
    joined = components(count + 1, tail, head)
    kept = (label >= 0) & (joined[label] == joined[count])
    numbered = np.full(count, -1, dtype=np.int64)
    numbered[kept] = np.unique(label[kept], return_inverse=True)[1]
    return numbered
