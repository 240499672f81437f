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

What is known goes before what should be: devices that tripped are the ones that tripped, whichever section turns out to be
faulted; and where the state of the switches says that the fault is dead already, those opened devices that part it from supply
are what cleared it. A fault may lie on branches or at a node: a bus, or a source that is lost with all that hangs on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from network import FudianError, Supply, Topology, WorkspaceError, text
from network.arrays import NONE, Indices, Mask, components
from network.ids import each_of
from network.representation import Shown
from network.supply import MOST_PATCHED

BREAKS_LOAD = ("breaker", "recloser", "switch")
"""Kinds that may be opened under load."""

MAKES_LOAD = ("breaker", "recloser", "switch", "fuse")
"""Kinds that may be closed onto a load or a live line."""


@dataclass(frozen=True, eq=False, repr=False)
class Isolation(Shown):
    """A fault that has been cleared, and what keeps it from all else; several faults at once are one.

    Attributes:
        before: supply before the fault.
        after: supply once devices have tripped.
        branches: the faulted branches, shape (branches,).
        nodes: the faulted nodes besides, shape (nodes,).
        seeds: the nodes at which the faults have to be parted, shape (seeds,).
        tripped: branches of the devices that tripped.
        lost_sources: nodes of the sources that are lost with the fault, because no device clears it before them.
        dead: nodes that lost supply, rising.
        zone: the nodes among them that no device parts from the fault, rising.
        devices: the switching devices around the zone; none of them may be closed.
        joins: whether each branch, closed, holds its ends together for good: it is no device, or was refused; shape (branches,).
        barred: whether each branch may not be operated: one that joins, or the faulted device; shape (branches,).
        is_work: whether it is planned work: then every device around it is opened, not only those beyond which power comes back.
    """

    before: Supply
    after: Supply
    branches: Indices
    nodes: Indices
    seeds: Indices
    tripped: Indices
    lost_sources: Indices
    dead: Indices
    zone: Indices
    devices: Indices
    joins: Mask
    barred: Mask
    is_work: bool = False

    @property
    def network(self) -> Topology:
        """The network of the fault."""
        return self.before.network

    @property
    def ids(self) -> tuple[str, ...]:
        """The faulted branches and nodes, by id."""
        net = self.network
        return (*net.branches["branch_id"].gather(self.branches).to_list(), *net.nodes.gather(self.nodes).to_list())


def isolate(
    supply: Supply, faults: str | Iterable[str], refused: str | Iterable[str] = (), tripped: str | Iterable[str] = ()
) -> Isolation:
    """Return what trips for a fault, or for several at once, and what isolates it.

    Devices that are known to have tripped are open. Where they do not part the fault from every source, or none is known, the
    nearest devices that clear a fault by themselves (breaker, recloser, fuse) on every way from a source trip too; such a
    device clears a fault on its own branch. Where none lies between the fault and a source, the fault is cleared at the source,
    and all that hangs on it is lost. Where the fault is dead in the given state, because normally closed devices are open, these
    are what tripped. A branch that is open or dead for any other reason feeds no fault: nothing trips and nobody goes off.

    Args:
        supply: the state before the fault, or the present one in which it has been cleared.
        faults: the faulted branches; of a node, a bus or a source say, its id.
        refused: devices that cannot be operated: they stay as they are after the trip.
        tripped: devices that are known to have tripped.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    net = supply.network
    branches, nodes = _places(net, faults)
    supply, opened = _before_opening(supply, branches, nodes)
    opened = np.union1d(opened, net.branch_index(tripped))
    return _part_off(supply, branches, net.protective, refused, nodes=nodes, opened=opened)


def _places(net: Topology, faults: str | Iterable[str]) -> tuple[Indices, Indices]:
    """Return the branches and the nodes that faults name; what is no branch may be a node."""
    ids = list(dict.fromkeys(each_of(faults)))
    is_branch = {ids[at] for at in net.known_branches(ids)[1].tolist()}
    others = set(ids) - is_branch
    at_node = {node: at for at, node in enumerate(net.nodes) if node in others} if others else {}
    branches = net.branch_index([each for each in ids if each not in at_node])
    return branches, np.array([at_node[each] for each in ids if each in at_node], dtype=np.int64)


def _before_opening(now: Supply, branches: Indices, nodes: Indices) -> tuple[Supply, Indices]:
    """Return the state before devices were opened that part a fault from supply, and these devices, protective ones first.

    Of several that could have fed one part the first is taken: the state before is as radial as the present one.
    """
    net, is_open = now.network, now.is_open
    dead = [*branches[~now.live(net.from_node[branches]) | is_open[branches]].tolist()]
    seeds = [*net.from_node[dead].tolist(), *net.to_node[dead].tolist(), *nodes[~now.live(nodes)].tolist()]
    opened = np.flatnonzero(is_open & ~net.normally_open)
    if not len(opened) or not seeds:
        return now, NONE
    label = components(len(net.nodes), net.from_node[~is_open], net.to_node[~is_open])
    label[now.live(np.arange(len(net.nodes)))] = -1
    opened = opened[np.argsort(~net.protective[opened], kind="stable")]
    ends = np.stack([label[net.from_node[opened]], label[net.to_node[opened]]])
    cluster = {int(label[node]) for node in seeds} - {-1}
    while grown := set(ends[:, np.isin(ends, list(cluster)).any(axis=0)].ravel().tolist()) - cluster - {-1}:
        cluster |= grown
    of_part = {each: each for each in (*cluster, -1)}
    closed = []
    for branch, (one, other) in zip(opened.tolist(), ends.T.tolist(), strict=True):
        if {one, other} & cluster and of_part[one] != of_part[other]:
            gone, kept = of_part[one], of_part[other]
            of_part = {each: kept if part == gone else part for each, part in of_part.items()}
            closed.append(branch)
    before = now.switched(close=net.branches["branch_id"].gather(closed).to_list())
    return before, np.array(sorted(closed), dtype=np.int64)


def isolate_work(supply: Supply, branch_ids: str | Iterable[str], refused: str | Iterable[str] = ()) -> Isolation:
    """Return what parts planned work on some branches, done in one outage, from all supply.

    No protection trips. What ``tripped`` names is opened by hand or remotely instead: the nearest devices that may be opened
    under load. All that hangs on the work alone is then dead, so that any device around it may be opened; what lies between
    the two kinds of devices comes back at once. An open branch, a tie say, is live at each end that is: it is parted there.

    Args:
        supply: supply before the work.
        branch_ids: the branches to be worked on; a closed switching device stands for what lies beyond it.
        refused: devices that cannot be operated.

    Raises:
        UnknownIdError: a branch is not in the network.
        FudianError: no device that opens under load parts the work from a source.
    """
    net = supply.network
    opens = net.of_kind(BREAKS_LOAD).copy()
    opens[net.branch_index(refused)] = False
    parted = replace(_part_off(supply, net.branch_index(branch_ids), opens, refused, open_ones=True), is_work=True)
    if len(parted.lost_sources):
        node = net.nodes[int(parted.lost_sources[0])]
        raise WorkspaceError(
            text("Nothing parts this work from source {node}: no breaker, recloser or switch lies between.", node=node),
            (),
            text("Name the branch of the work, or give the head of the feeder its breaker: a branch of that kind."),
        )
    return parted


def _part_off(
    supply: Supply,
    branches: Indices,
    clearing: Mask,
    refused: str | Iterable[str],
    open_ones: bool = False,
    nodes: Indices = NONE,
    opened: Indices = NONE,
) -> Isolation:
    """Return which clearing devices part some branches and nodes from every source, and what isolates them then.

    Args:
        supply: supply before.
        branches: the branches.
        clearing: whether each branch of the network may be opened under load, or trips; shape (branches,).
        refused: devices that cannot be operated.
        open_ones: whether an open branch has to be parted from what its ends hang on, too.
        nodes: the nodes.
        opened: devices that are known to have opened.
    """
    net = supply.network
    joins = ~net.switching
    joins[net.branch_index(refused)] = True
    ends = np.stack([net.from_node[branches], net.to_node[branches]])
    fed = supply.live(ends.ravel()).reshape(2, -1).any(axis=0)
    fed &= open_ones | ~supply.is_open_at(branches)
    at_nodes = nodes[supply.live(nodes)]
    if not fed.any() and not len(at_nodes):
        return Isolation(supply, supply, branches, nodes, NONE, NONE, NONE, NONE, NONE, NONE, joins, joins)
    work, ends = branches[fed], ends[:, fed]
    known = supply.switched(open=net.branches["branch_id"].gather(opened).to_list()) if len(opened) else supply
    seeds = np.union1d(_seeds(supply, work, ends, clearing[work]), at_nodes)
    live = seeds[known.live(seeds)]
    by_rule, lost = _trips(known, live, clearing) if len(live) else (NONE, NONE)
    tripped = np.union1d(opened, by_rule)
    after = _cleared(supply, tripped, lost)
    own = net.switching[work] & (np.isin(work, tripped) | ~joins[work])
    seeds = np.union1d(_seeds(supply, work, ends, own), at_nodes)
    barred = joins.copy()
    barred[work] = True
    return _isolated(supply, after, branches, nodes, seeds, tripped, lost, joins, barred)


def resumed(fault: Isolation, now: Supply, refused: str | Iterable[str] = ()) -> Isolation:
    """Return a fault in the state that some operations have reached: who is still off, and what isolates it from there.

    Args:
        fault: as it was cleared.
        now: the state of the switches by now.
        refused: devices that cannot be operated.

    Raises:
        UnknownIdError: a device is not in the network.
        FudianError: the fault is live.
    """
    net = fault.network
    if now.live(fault.seeds).any():
        raise FudianError(
            text("In this state the fault on {branch} is live.", branch=", ".join(fault.ids)),
            text("Look at what was operated: a device around the fault is closed."),
        )
    joins, barred = fault.joins.copy(), fault.barred.copy()
    joins[net.branch_index(refused)] = True
    barred[net.branch_index(refused)] = True
    return _isolated(
        fault.before, now, fault.branches, fault.nodes, fault.seeds, fault.tripped, fault.lost_sources, joins, barred
    )


def _isolated(
    before: Supply,
    after: Supply,
    branches: Indices,
    nodes: Indices,
    seeds: Indices,
    tripped: Indices,
    lost: Indices,
    joins: Mask,
    barred: Mask,
) -> Isolation:
    """Return a fault with the part that waits for the repair, and the devices around it; see :class:`Isolation`."""
    net = before.network
    dead = before.nodes_lost_in(after)
    zone = _joined(after, dead, joins, seeds)
    around = net.branches_at_node.of_keys(zone)
    inside = np.isin(net.from_node[around], zone) & np.isin(net.to_node[around], zone)
    devices = around[net.switching[around] & ~inside]
    return Isolation(before, after, branches, nodes, seeds, tripped, lost, dead, zone, devices, joins, barred)


def _cleared(supply: Supply, tripped: Indices, lost_sources: Indices) -> Supply:
    """Return the supply once devices have tripped and some sources are lost."""
    net = supply.network
    if not len(lost_sources):
        return supply.switched(open=net.branch_ids(tripped))
    is_open = supply.is_open.copy()
    is_open[tripped] = True
    return Supply.of(net, is_open, lost_sources)


def _seeds(supply: Supply, branches: Indices, ends: Indices, beyond_only: Mask) -> Indices:
    """Return the nodes at which branches have to be parted: of some only the end farther from the source.

    On a closed ring that is the end which the search reaches later. Of an open branch it is every live end.

    Args:
        supply: supply before.
        branches: the branches, shape (branches,).
        ends: the nodes at both ends, shape (2, branches).
        beyond_only: whether each is a device that parts its near end itself, shape (branches,).
    """
    is_open = supply.is_open_at(branches)
    apart = ends[:, is_open].ravel()
    ends, beyond_only = ends[:, ~is_open], beyond_only[~is_open]
    far = np.argmax(supply.place_of[ends], axis=0)
    each = np.arange(ends.shape[1])
    return np.unique(np.concatenate([ends[far, each], ends[1 - far, each][~beyond_only], apart[supply.live(apart)]]))


def _trips(supply: Supply, seeds: Indices, clearing: Mask) -> tuple[Indices, Indices]:
    """Return the clearing devices that part the seeds from the sources, and the nodes of sources that none parts from them."""
    net, whole = supply.network, np.arange(len(supply.network.nodes))
    are_many = len(seeds) > MOST_PATCHED  # feeder by feeder they would take longer than the whole network at once
    nodes = whole if are_many else np.concatenate([part.nodes for part in supply.parts_of(seeds)])
    zone = _joined(supply, nodes, ~clearing, seeds)
    if (
        not are_many and np.isin(net.source_node, zone).any()
    ):  # a source feeds others too, and may be joined to further sources
        zone = _joined(supply, whole, ~clearing, seeds)
    lost = np.intersect1d(zone, net.source_node)
    around = net.branches_at_node.of_keys(zone)
    around = around[~supply.is_open_at(around)]
    one_end = around[np.isin(net.from_node[around], zone) != np.isin(net.to_node[around], zone)]
    outer = np.where(np.isin(net.from_node[one_end], zone), net.to_node[one_end], net.from_node[one_end])
    without = supply.switched(open=net.branch_ids(one_end))
    return one_end[without.live(outer)], lost


def _joined(supply: Supply, nodes: Indices, joining: Mask, seeds: Indices) -> Indices:
    """Return which of these nodes branches of a kind join to the seeds, rising.

    Args:
        supply: says which branches are closed.
        nodes: the nodes.
        joining: whether each branch joins its ends while it is closed, shape (branches,).
        seeds: the nodes to begin at.
    """
    net = supply.network
    nodes = np.union1d(nodes, seeds)
    branches = net.branches_at_node.of_keys(nodes)
    branches = branches[joining[branches] & ~supply.is_open_at(branches)]
    inner = np.isin(net.from_node[branches], nodes) & np.isin(net.to_node[branches], nodes)
    tail, head = (np.searchsorted(nodes, end[branches[inner]]) for end in (net.from_node, net.to_node))
    label = components(len(nodes), tail, head)
    return nodes[np.isin(label, label[np.searchsorted(nodes, seeds)])]
