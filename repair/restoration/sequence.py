"""The order of operations, and the proof: every step played on the network, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from network import Hit, Supply
from network.arrays import Mask
from network.representation import Shown
from repair.isolation import MAKES_LOAD
from repair.restoration.capacity import Overload
from repair.restoration.case import Case
from repair.restoration.switching_model import Choice

REMOTE, ON_SITE = "remote", "on_site"


@dataclass(frozen=True)
class Operation:
    """One device to be operated: ``action`` is ``open`` or ``close``, ``stage`` when."""

    branch: int
    action: str
    stage: str


@dataclass(frozen=True)
class Step:
    """One operation, and whom it gives supply to.

    Attributes:
        order: from 1.
        action: ``open`` or ``close``.
        branch_id: the device.
        remote: whether it is operated remotely.
        stage: ``remote`` (nobody on site is waited for) or ``on_site``.
        restores_transformers: ids that this step gives supply to.
        restores_customers: how many customers it gives supply to; ``None`` without a table of customers.
    """

    order: int
    action: str
    branch_id: str
    remote: bool
    stage: str
    restores_transformers: tuple[str, ...]
    restores_customers: int | None


@dataclass(frozen=True)
class Proof:
    """What playing every step on the network showed.

    Attributes:
        radial: no loop is ever closed that was not closed before the fault.
        within_ratings: no branch and no source is ever above its limit, no voltage below the lowest one.
        fault_isolated: the faulted zone is dead all the time, and nobody who has supply loses it.
    """

    radial: bool
    within_ratings: bool
    fault_isolated: bool

    @property
    def holds(self) -> bool:
        """Whether everything was shown."""
        return self.radial and self.within_ratings and self.fault_isolated


@dataclass(frozen=True, eq=False, repr=False)
class Played(Shown):
    """The steps of a plan, played.

    Attributes:
        steps: in order.
        after: supply after each, beginning with that after the trip; one more than steps.
        gains: who got supply by each.
        overloads: limits that any step breaks.
        proof: what was shown.
    """

    steps: tuple[Step, ...]
    after: tuple[Supply, ...]
    gains: tuple[Hit, ...]
    overloads: tuple[Overload, ...]
    proof: Proof


def operations(case: Case, choice: Choice) -> list[Operation]:
    """Return the operations that lead to a choice, in an order that never closes onto the fault and never makes a loop.

    Stage by stage all openings come first, on dead lines; of these the isolating ones lead. Then close the devices that must not
    close under load, and last those that bring power, each zone after the one that feeds it.
    """
    zones, ids = case.zones, case.fault.network.branches
    remote = ids["remote"].fill_null(value=False).to_numpy()
    makes = ids["kind"].gather(zones.switch).is_in(MAKES_LOAD).to_numpy()
    found: list[Operation] = []
    for stage, before, closed in ((REMOTE, zones.closed, choice.early), (ON_SITE, choice.early, choice.late)):
        isolating = case.to_isolate[remote[case.to_isolate] == (stage == REMOTE)]
        found += [Operation(int(branch), "open", stage) for branch in isolating]
        found += [Operation(int(branch), "open", stage) for branch in zones.switch[before & ~closed]]
        closing = _outwards(choice, ~before & closed, makes)
        found += [Operation(int(zones.switch[at]), "close", stage) for at in closing]
    return found


def _outwards(choice: Choice, closing: Mask, makes: Mask) -> Iterator[int]:
    """Give the switches to close: what may not make load first, then from the live nodes outwards."""
    yield from np.flatnonzero(closing & ~makes).tolist()
    feeding: dict[int, list[int]] = {}
    for at in np.flatnonzero(choice.feeds).tolist():
        feeding.setdefault(int(choice.from_zone[at]), []).append(at)
    waiting = feeding.get(-1, [])
    while waiting:
        at = waiting.pop(0)
        if closing[at] and makes[at]:
            yield at
        waiting += feeding.get(int(choice.to_zone[at]), [])


def play(case: Case, planned: list[Operation], known_customers: bool) -> Played:
    """Play operations on the network, one by one, and prove each.

    Nothing here uses the zones or the sums of the search: each state is energised anew and looked at as it is.
    """
    fault, net = case.fault, case.fault.network
    ids, remote = net.branches["branch_id"], net.branches["remote"].fill_null(value=False)
    states = [fault.after]
    steps: list[Step] = []
    gains: list[Hit] = []
    overloads: dict[tuple[str, str], Overload] = {}
    loops_before = [frozenset(loop.branch_index.tolist()) for loop in fault.before.loops]
    radial = isolated = True
    for order, each in enumerate(planned, 1):
        branch_id = str(ids[each.branch])
        now = states[-1].switched(**{each.action: [branch_id]})
        gained = now.lost_in(states[-1])
        isolated &= not now.live(fault.zone).any() and not len(states[-1].nodes_lost_in(now))
        loops = [frozenset(loop.branch_index.tolist()) for loop in now.loops]
        radial &= all(any(loop <= known for known in loops_before) for loop in loops)
        for over in case.capacity.broken(now):
            overloads.setdefault((over.object, over.object_id), over)
        steps.append(
            Step(order, each.action, branch_id, bool(remote[each.branch]), each.stage, tuple(gained.transformers),
                 gained.customer_count if known_customers else None)
        )  # fmt: skip
        states.append(now)
        gains.append(gained)
    devices_open = states[-1].is_open_at(case.zones.isolating).all()
    proof = Proof(radial, not overloads, bool(isolated and devices_open))
    return Played(tuple(steps), tuple(states), tuple(gains), tuple(overloads.values()), proof)
