"""The order of operations: the fault is isolated, dead lines are parted, and power comes back from the live side outwards."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from network.arrays import Mask, Numbers
from repair.isolation import MAKES_LOAD
from repair.restoration.operation import ON_SITE, REMOTE, Operation
from repair.restoration.problem import RestorationProblem
from repair.restoration.switching_model import SwitchingSolution
from repair.restoration.zones import Zones


def operations(problem: RestorationProblem, choice: SwitchingSolution) -> list[Operation]:
    """Return the operations that lead to a choice, in an order that never closes onto the fault and never makes a loop.

    Where live load is moved the choice knows its order. Else stage by stage all openings come first, on dead lines; of these
    the isolating ones lead. Then close the devices that must not close under load, and last those that bring power, each zone
    after the one that feeds it, important customers before others.
    """
    zones, net = choice.zones, problem.fault.network
    if choice.sequence is not None:
        return list(choice.sequence)
    remote, makes = net.remote, net.of_kind(MAKES_LOAD)[zones.switch]
    important = _important(problem, zones)
    found: list[Operation] = []
    for stage, before, closed in ((REMOTE, zones.closed, choice.early), (ON_SITE, choice.early, choice.late)):
        opened = problem.opened_for(choice)
        isolating = opened[remote[opened] == (stage == REMOTE)]
        found += [Operation(int(branch), "open", stage) for branch in isolating]
        found += [Operation(int(branch), "open", stage) for branch in zones.switch[before & ~closed]]
        closing = _outwards(zones, closed, ~before & closed, makes, important)
        found += [Operation(int(zones.switch[at]), "close", stage) for at in closing]
    return found


def _important(problem: RestorationProblem, zones: Zones) -> Numbers:
    """Return how many important customers hang in each zone, shape (zones,)."""
    net, lost = problem.fault.network, problem.lost.customer_index
    marked = lost[net.customers["important"].gather(lost).fill_null(value=False).to_numpy()]
    zone = zones.zone_of(net.transformer_node[net.customer_transformer[marked]])
    found: Numbers = np.bincount(zone[zone >= 0], minlength=zones.count).astype(np.float64)
    return found


def _outwards(zones: Zones, closed: Mask, closing: Mask, makes: Mask, important: Numbers) -> Iterator[int]:
    """Give the switches to close: what may not make load first, then from the live zones and nodes outwards.

    Of several that could be next, the one behind which most important customers wait goes first.

    Args:
        zones: the zones and the switches between them.
        closed: whether each switch is closed in the end, shape (switches,).
        closing: whether it has to be closed, shape (switches,).
        makes: whether it may be closed onto load, shape (switches,).
        important: important customers in each zone, shape (zones,).
    """
    yield from np.flatnonzero(closing & ~makes).tolist()
    ways: dict[int, list[int]] = {}
    for at in np.flatnonzero(closed).tolist():
        for zone in (int(zones.first[at]), int(zones.second[at])):
            ways.setdefault(zone, []).append(at)
    reached = {-1, *np.flatnonzero(zones.live).tolist()}
    tree: list[tuple[int, int, int]] = []
    edge = sorted(reached)
    for zone in edge:
        for at in ways.get(zone, []):
            other = int(zones.first[at]) if zones.second[at] == zone else int(zones.second[at])
            if other not in reached:
                reached.add(other)
                edge.append(other)
                tree.append((zone, at, other))
    beyond = {zone: float(important[zone]) for _, _, zone in tree}
    for zone, _, other in reversed(tree):
        beyond[zone] = beyond.get(zone, 0.0) + beyond[other]
    onwards: dict[int, list[tuple[float, int, int, int]]] = {}
    for number, (zone, at, other) in enumerate(tree):
        onwards.setdefault(zone, []).append((-beyond[other], number, at, other))
    waiting = [each for zone in (-1, *np.flatnonzero(zones.live).tolist()) for each in onwards.get(zone, [])]
    heapq.heapify(waiting)
    while waiting:
        _, _, at, other = heapq.heappop(waiting)
        if closing[at] and makes[at]:
            yield at
        for each in onwards.get(other, []):
            heapq.heappush(waiting, each)
