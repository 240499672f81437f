"""A tie closed between two live feeders for a moment 合环: whether they may be joined, and what flows round the loop meanwhile.

The current of the loop follows from the voltage across the tie before it closes, over the impedance of the loop (the
superposition that dispatchers use). Both sources are taken at the same voltage and angle; what lies above them is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network import Supply
from network.arrays import Indices, Numbers
from network.patch import Part
from network.power_flow import Complex, sweep
from network.representation import Shown
from repair.restoration.capacity import Capacity, Overload
from repair.restoration.loading import KEPT, Loads

YES, CONFIRM, NO = "yes", "confirm", "no"


@dataclass(frozen=True, eq=False, repr=False)
class LoopMoment(Shown):
    """What flows while a tie joins two live parts.

    Attributes:
        loop_a: the current round the loop, in A; ``None`` where an impedance is missing or the loop has none.
        branch: the branches of the loop, shape (branches,).
        ampere: what each carries, in A; not known where the loop current is not.
        over: limits that are broken meanwhile.
    """

    loop_a: float | None
    branch: Indices
    ampere: Numbers
    over: tuple[Overload, ...]


def may_join(supply: Supply, branch: int) -> str:
    """Return whether a tie may be closed between the live parts at its ends: ``yes``, ``confirm`` or ``no``.

    As ``may_parallel`` of the tie says; where it is blank, parts that hang on the same source may be joined, those of two sources
    of one station are proposed for confirmation (合环待确认), and others are not.
    """
    net = supply.network
    said = net.branches["may_parallel"][branch] if "may_parallel" in net.branches.columns else None
    if said is not None:
        return YES if said else NO
    return by_sources(supply, *(source_of(supply, int(end[branch])) for end in (net.from_node, net.to_node)))


def by_sources(supply: Supply, one: int, other: int) -> str:
    """Return whether parts that hang on two sources, by node, may be joined where no tie says."""
    if one == other:
        return YES
    sources = supply.network.sources
    stations = [
        sources["station_id"][int(np.flatnonzero(supply.network.source_node == node)[0])] for node in (one, other)
    ]
    return CONFIRM if stations[0] is not None and stations[0] == stations[1] else NO


def source_of(supply: Supply, node: int) -> int:
    """Return the node of the source that feeds a node; -1 where none does."""
    (part,) = supply.parts_of(np.array([node]))
    place = int(part.forest.place_of[np.flatnonzero(part.nodes == node)[0]])
    if place < 0:
        return -1
    roots = np.flatnonzero(part.forest.parent == 0)
    return int(part.nodes[part.forest.node_at[roots[np.searchsorted(roots, place, side="right") - 1]]])


def loop_moment(capacity: Capacity, supply: Supply, branch: int) -> LoopMoment:
    """Return what flows while a tie is closed between two live parts of a radial state.

    Args:
        capacity: the limits.
        supply: the state before the tie closes.
        branch: the tie.
    """
    net, loads = supply.network, capacity.loads
    ends = [int(net.from_node[branch]), int(net.to_node[branch])]
    sides = [_Side.of(loads, supply, node) for node in ends]
    if sides[0].part is sides[1].part:
        shared = len(set(sides[0].places) & set(sides[1].places))
        for side in sides:
            del side.places[len(side.places) - shared :]
    ohm = complex(loads.impedance_ohm[branch]) + sum(complex(side.ohm[side.places].sum()) for side in sides)
    branches = np.concatenate([side.part.forest.branch_to[side.places] for side in sides])
    kept = branches >= 0
    if any(side.volts is None for side in sides) or np.isnan(ohm) or abs(ohm) == 0.0:
        return LoopMoment(None, np.append(branches[kept], branch), np.zeros(0), ())
    volts = [side.volts[side.place] for side in sides if side.volts is not None]
    loop = complex((volts[0] - volts[1]) * sides[0].kilovolt * 1000.0 / np.sqrt(3.0) / ohm)
    flows = np.concatenate([sides[0].current[sides[0].places] + loop, sides[1].current[sides[1].places] - loop])
    branches, ampere = np.append(branches[kept], branch), np.abs(np.append(flows[kept], loop))
    limit = capacity.limit_a[branches]
    over = [
        Overload("branch", net.branches["branch_id"][int(branches[at])], float(ampere[at]), float(limit[at]))
        for at in np.flatnonzero(ampere > limit * (1 + KEPT) + KEPT)
    ]
    if sides[0].source != sides[1].source:
        over += _sources_over(capacity, supply, [side.source for side in sides], loop)
    return LoopMoment(abs(loop), branches, ampere, tuple(over))


def _sources_over(capacity: Capacity, supply: Supply, nodes: list[int], loop: complex) -> list[Overload]:
    """Return which of two sources gives more than it can while a current flows from the first to the second."""
    net, load = supply.network, capacity.source_load(capacity.states(supply))
    angle = np.exp(-1j * np.arccos(capacity.loads.rules.power_factor))
    found = []
    for node, sign in zip(nodes, (1.0, -1.0), strict=True):
        row = int(np.flatnonzero(net.source_node == node)[0])
        given, limit = abs(load[row] * angle + sign * loop), float(capacity.source_limit_a[row])
        if given > limit * (1 + KEPT) + KEPT:
            found.append(Overload("source", net.nodes[node], float(given), limit))
    return found


@dataclass(eq=False)
class _Side:
    """One side of a tie: its feeder, and the way to its source."""

    part: Part
    place: int
    places: list[int]
    source: int
    kilovolt: float
    ohm: Complex
    current: Complex
    volts: Complex | None

    @classmethod
    def of(cls, loads: Loads, supply: Supply, node: int) -> _Side:
        (part,) = supply.parts_of(np.array([node]))
        forest = part.forest
        place = int(forest.place_of[np.flatnonzero(part.nodes == node)[0]])
        places, at = [], place
        while at > 0:
            places.append(at)
            at = int(forest.parent[at])
        branches = forest.branch_to[forest.branch_to >= 0]
        kilovolt = loads.voltage_kv(branches)
        kw, _ = loads.at_nodes(supply, part.nodes)
        kva = np.append(kw, 0.0)[forest.node_at] * (1 + 1j * np.tan(np.arccos(loads.rules.power_factor)))
        ohm = loads.impedance_ohm[forest.branch_to]
        current = np.conj(kva) / (np.sqrt(3.0) * kilovolt)
        below = forest.end
        sums = np.concatenate([[0], np.cumsum(current)])
        flows = sums[below] - sums[np.arange(len(below))]
        known = not np.isnan(ohm).any() and not len(forest.back_branch)
        swept = sweep(forest, ohm, kva, np.full(len(ohm), kilovolt)) if known else None
        volts = swept.voltage_pu if swept is not None and swept.converged else None
        source = int(part.nodes[forest.node_at[places[-1]]])
        return cls(part, place, places, source, kilovolt, ohm, flows, volts)


def groups_that_may_join(supply: Supply, ties: Indices) -> dict[int, int]:
    """Return, for each source by node, the group of sources among which load may be moved without an interruption.

    Args:
        supply: the state.
        ties: open branches between live parts.
    """
    net = supply.network
    group = {int(node): int(node) for node in net.source_node}
    for branch in ties.tolist():
        if may_join(supply, branch) != NO:
            one, other = (source_of(supply, int(end[branch])) for end in (net.from_node, net.to_node))
            gone, kept = group[one], group[other]
            group = {node: kept if each == gone else each for node, each in group.items()}
    return group
