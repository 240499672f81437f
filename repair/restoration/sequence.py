"""The order of operations: the fault is isolated, dead lines are parted, and power comes back from the live side outwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from network.arrays import Mask
from repair.isolation import MAKES_LOAD
from repair.restoration.case import Case
from repair.restoration.operation import ON_SITE, REMOTE, Operation
from repair.restoration.switching_model import Choice
from repair.restoration.zones import Zones


def operations(case: Case, choice: Choice) -> list[Operation]:
    """Return the operations that lead to a choice, in an order that never closes onto the fault and never makes a loop.

    Where live load is moved the choice knows its order. Else stage by stage all openings come first, on dead lines; of these
    the isolating ones lead. Then close the devices that must not close under load, and last those that bring power, each zone
    after the one that feeds it.
    """
    zones, ids = choice.zones, case.fault.network.branches
    if choice.sequence is not None:
        return list(choice.sequence)
    remote = ids["remote"].fill_null(value=False).to_numpy()
    makes = ids["kind"].gather(zones.switch).is_in(MAKES_LOAD).to_numpy()
    found: list[Operation] = []
    for stage, before, closed in ((REMOTE, zones.closed, choice.early), (ON_SITE, choice.early, choice.late)):
        opened = case.opened_for(choice)
        isolating = opened[remote[opened] == (stage == REMOTE)]
        found += [Operation(int(branch), "open", stage) for branch in isolating]
        found += [Operation(int(branch), "open", stage) for branch in zones.switch[before & ~closed]]
        closing = _outwards(zones, closed, ~before & closed, makes)
        found += [Operation(int(zones.switch[at]), "close", stage) for at in closing]
    return found


def _outwards(zones: Zones, closed: Mask, closing: Mask, makes: Mask) -> Iterator[int]:
    """Give the switches to close: what may not make load first, then from the live zones and nodes outwards."""
    yield from np.flatnonzero(closing & ~makes).tolist()
    ways: dict[int, list[int]] = {}
    for at in np.flatnonzero(closed).tolist():
        for zone in (int(zones.first[at]), int(zones.second[at])):
            ways.setdefault(zone, []).append(at)
    reached = {-1, *np.flatnonzero(zones.live).tolist()}
    waiting = sorted(reached)
    while waiting:
        zone = waiting.pop(0)
        for at in ways.get(zone, []):
            other = int(zones.first[at]) if zones.second[at] == zone else int(zones.second[at])
            if other not in reached:
                if closing[at] and makes[at]:
                    yield at
                reached.add(other)
                waiting.append(other)
