"""Fault isolation 故障隔离: what trips, the smallest part that switching devices can part from the fault, and those devices.

A device sits at the source-side end of its branch, as a sensor does: a fault on its own branch lies beyond it. Everything between
the fault and the next devices, of whatever kind, waits for the repair: breaker, recloser, switch, disconnector and fuse all
separate once they are open. What they may do under load differs:

============  ====================  =====================
kind          opens                 closes
============  ====================  =====================
breaker       always                always
recloser      always                always
switch        always                always
fuse          on a dead line only   always
disconnector  on a dead line only   on a dead line only
============  ====================  =====================

After the trip all that hangs on the fault is dead, so that any of them may be opened there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from network import FudianError, Network, Supply, text
from network.arrays import NONE, Indices, Mask

BREAKS_LOAD = ("breaker", "recloser", "switch")
"""Kinds that may be opened under load."""

MAKES_LOAD = ("breaker", "recloser", "switch", "fuse")
"""Kinds that may be closed onto a load or a live line."""


@dataclass(frozen=True, eq=False)
class Isolation:
    """A fault that has been cleared, and what keeps it from all else.

    Attributes:
        before: supply before the fault.
        after: supply once the protective devices have tripped.
        branch: the faulted branch.
        tripped: branches of the devices that trip.
        dead: nodes that lost supply, rising.
        zone: the nodes among them that no device parts from the fault, rising.
        devices: the switching devices around the zone; none of them may be closed.
        joins: whether each branch, closed, holds its ends together for good: it is no device, or was refused; shape (branches,).
        barred: whether each branch may not be operated: one that joins, or the faulted device; shape (branches,).
    """

    before: Supply
    after: Supply
    branch: int
    tripped: Indices
    dead: Indices
    zone: Indices
    devices: Indices
    joins: Mask
    barred: Mask

    @property
    def network(self) -> Network:
        """The network of the fault."""
        return self.before.network


def isolate(supply: Supply, branch_id: str, refused: Iterable[str] = ()) -> Isolation:
    """Return what trips for a fault on a branch, and what isolates it.

    An open or dead branch feeds no fault: nothing trips and nobody goes off.

    Args:
        supply: supply before the fault.
        branch_id: the faulted branch.
        refused: devices that cannot be operated: they stay as they are after the trip.

    Raises:
        UnknownIdError: a branch is not in the network.
        FudianError: no protective device parts the fault from a source.
    """
    net = supply.network
    branch = int(net.branch_index(branch_id)[0])
    cannot = net.branch_index(refused)
    joins = ~net.switching
    joins[cannot] = True
    ends = np.array([net.from_node[branch], net.to_node[branch]])
    if supply.is_open_at(np.array([branch]))[0] or not supply.live(ends).all():
        return Isolation(supply, supply, branch, NONE, NONE, NONE, NONE, joins, joins)
    beyond = _far_end(supply, ends)
    tripped = _trips(supply, ends[[beyond]] if net.protective[branch] else ends)
    after = supply.switched(open=net.branches["branch_id"].gather(tripped).to_list())
    dead = supply.nodes_lost_in(after)
    own = bool(net.switching[branch]) and (branch in set(tripped.tolist()) or not joins[branch])
    barred = joins.copy()
    barred[branch] = True
    zone = _joined(net, after, dead, joins, ends[[beyond]] if own else ends)
    around = net.branches_at_node.of_keys(zone)
    inside = np.isin(net.from_node[around], zone) & np.isin(net.to_node[around], zone)
    devices = around[net.switching[around] & ~inside]
    return Isolation(supply, after, branch, tripped, dead, zone, devices, joins, barred)


def _far_end(supply: Supply, ends: Indices) -> int:
    """Return which of two neighbours is farther from the source: 0 or 1; on a closed ring by the order of the search."""
    return int(np.argmax(supply.place_of[ends]))


def _trips(supply: Supply, seeds: Indices) -> Indices:
    """Return the protective devices that part the fault from every source.

    Raises:
        FudianError: a source lies inside what no protective device parts from the fault.
    """
    net = supply.network
    nodes = np.concatenate([part.nodes for part in supply.parts_of(seeds)])
    zone = _joined(net, supply, nodes, ~net.protective, seeds)
    sources = np.intersect1d(zone, net.source_node)
    if len(sources):
        raise FudianError(
            text("Nothing clears this fault: no breaker, recloser or fuse lies between it and source {node}.",
                 node=net.nodes[int(sources[0])]),
            text("Give the head of the feeder its breaker: a branch of that kind at the source."),
        )  # fmt: skip
    around = net.branches_at_node.of_keys(zone)
    around = around[~supply.is_open_at(around)]
    one_end = around[np.isin(net.from_node[around], zone) != np.isin(net.to_node[around], zone)]
    outer = np.where(np.isin(net.from_node[one_end], zone), net.to_node[one_end], net.from_node[one_end])
    without = supply.switched(open=net.branches["branch_id"].gather(one_end).to_list())
    trips: Indices = one_end[without.live(outer)]
    return trips


def _joined(net: Network, supply: Supply, nodes: Indices, joining: Mask, seeds: Indices) -> Indices:
    """Return which of these nodes closed branches of a kind join to the seeds, rising."""
    nodes = np.union1d(nodes, seeds)
    branches = net.branches_at_node.of_keys(nodes)
    branches = branches[joining[branches] & ~supply.is_open_at(branches)]
    inner = np.isin(net.from_node[branches], nodes) & np.isin(net.to_node[branches], nodes)
    tail, head = (np.searchsorted(nodes, end[branches[inner]]) for end in (net.from_node, net.to_node))
    _, label = connected_components(
        csr_array((np.ones(len(tail)), (tail, head)), shape=(len(nodes),) * 2), directed=False
    )
    return nodes[np.isin(label, label[np.searchsorted(nodes, seeds)])]
