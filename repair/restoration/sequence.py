"""The order of operations, and the proof: every step played on the network, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from network import Hit, Supply
from network.arrays import NONE, Indices, Mask
from network.representation import Shown
from repair.isolation import MAKES_LOAD
from repair.restoration.capacity import Overload
from repair.restoration.case import Case
from repair.restoration.operation import ON_SITE, REMOTE, Operation
from repair.restoration.parallel import CONFIRM, YES, loop_moment, may_join
from repair.restoration.switching_model import Choice
from repair.restoration.zones import Zones

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
        parallel: ``yes`` or ``confirm`` where it joins live parts for a moment, ``None`` for any other step.
        loop_a: the current round the loop of that moment, in A; ``None`` where it is not known.
        interrupts_customers: how many lose supply until the next step; ``None`` without a table of customers.
        interrupts_transformers: ids of those that do.
    """

    order: int
    action: str
    branch_id: str
    remote: bool
    stage: str
    restores_transformers: tuple[str, ...]
    restores_customers: int | None
    parallel: str | None = None
    loop_a: float | None = None
    interrupts_customers: int | None = 0
    interrupts_transformers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    """What playing every step on the network showed.

    Attributes:
        radial: no loop is closed that was not closed before the fault, but for the moment of a move that may be made so.
        within_ratings: no branch and no source is ever above its limit, in such a moment too, no voltage below the lowest one.
        fault_isolated: the faulted zone is dead all the time, and nobody who has supply loses it, but for the moment of a move
            where that is allowed.
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

    Where live load is moved the choice knows its order. Else stage by stage all openings come first, on dead lines; of these the isolating ones lead. Then close the devices that must not
    close under load, and last those that bring power, each zone after the one that feeds it.
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


def play(case: Case, planned: list[Operation], known_customers: bool) -> Played:
    """Play operations on the network, one by one, and prove each.

    Nothing here uses the zones or the sums of the search: each state is energised anew and looked at as it is.
    """
    fault, net = case.fault, case.fault.network
    ids, remote = net.branches["branch_id"], net.branches["remote"].fill_null(value=False)
    states, steps, gains, over = [fault.after], [], [], []
    radial = isolated = True
    known_loops = [frozenset(loop.branch_index.tolist()) for loop in fault.before.loops]
    for order, each in enumerate(planned, 1):
        old, branch_id = states[-1], str(ids[each.branch])
        now = old.switched(**{each.action: [branch_id]})
        gained, lost = now.lost_in(old), old.lost_in(now)
        ends = np.array([net.from_node[each.branch], net.to_node[each.branch]])
        moment = loop_moment(case.capacity, old, each.branch) if _joins(each, old, ends) else None
        joins = may_join(old, each.branch) if moment is not None else None
        over += case.capacity.broken(now) if moment is None else moment.over
        isolated &= not now.live(fault.zone).any()
        next_ = None if order == len(planned) else now.switched(**{planned[order].action: [str(ids[planned[order].branch])]})
        if len(old.nodes_lost_in(now)):
            isolated &= _may_interrupt(case, lost) and next_ is not None and not len(old.nodes_lost_in(next_))
        closed = _new_loops(now, known_loops)
        radial &= not closed or (joins in {YES, CONFIRM} and next_ is not None and not _new_loops(next_, known_loops))
        steps.append(
            Step(order, each.action, branch_id, bool(remote[each.branch]), each.stage, tuple(gained.transformers),
                 gained.customer_count if known_customers else None, joins, moment.loop_a if moment else None,
                 lost.customer_count if known_customers else None, tuple(lost.transformers))
        )  # fmt: skip
        states.append(now)
        gains.append(gained)
    devices_open = not fault.is_work or states[-1].is_open_at(case.zones.isolating).all()
    overloads = {(each.object, each.object_id): each for each in reversed(over)}
    proof = Proof(bool(radial), not overloads, bool(isolated and devices_open))
    return Played(tuple(steps), tuple(states), _first_gains(steps, gains), tuple(overloads.values()), proof)


def _joins(operation: Operation, old: Supply, ends: Indices) -> bool:
    """Return whether an operation closes a loop between live parts."""
    return operation.action == "close" and bool(old.live(ends).all())


def _new_loops(now: Supply, known: list[frozenset[int]]) -> bool:
    loops = (frozenset(loop.branch_index.tolist()) for loop in now.loops)
    return any(not any(loop <= other for other in known) for loop in loops)


def _may_interrupt(case: Case, lost: Hit) -> bool:
    """Return whether some may lose supply for a moment."""
    customers = lost.network.customers[lost.customer_index]
    marked = customers["important"].fill_null(value=False) | customers["sensitive"].fill_null(value=False)
    return case.capacity.loads.rules.transfer_allowed == "with_short_interruption" and not marked.any()


def _first_gains(steps: list[Step], gains: list[Hit]) -> tuple[Hit, ...]:
    """Return who comes back by each step, without those who only lost supply for the moment of a move."""
    moved: set[str] = set()
    found = []
    for step, gain in zip(steps, gains, strict=True):
        back = np.array([each not in moved for each in gain.network.transformers["transformer_id"].gather(gain.transformer_index)], dtype=np.bool_)
        found.append(gain if back.all() else Hit(gain.network, NONE, NONE))
        moved = set(step.interrupts_transformers)
    return tuple(found)
