"""The proof: every operation played on the network, and what each state shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from network import LostSupply, Supply
from network.arrays import NONE
from network.loops import Loop
from network.representation import Shown
from repair.restoration.capacity import Overload
from repair.restoration.operation import Operation
from repair.restoration.parallel import NO, LoopMoment, loop_moment, may_join
from repair.restoration.problem import RestorationProblem


@dataclass(frozen=True)
class Step:
    """One operation, and whom it gives supply to.

    Attributes:
        order: from 1.
        action: ``open`` or ``close``.
        branch_id: the device.
        remote: whether it is operated remotely.
        stage: ``remote`` (nobody on site is waited for) or ``on_site``.
        restores_transformers: ids that this step gives supply to, but for those who were only off since the step before.
        restores_customers: how many customers they have; ``None`` without a table of customers.
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

    def as_dict(self) -> dict[str, Any]:
        """Return the step with all its fields, for JSON."""
        lists = {name: list(getattr(self, name)) for name in ("restores_transformers", "interrupts_transformers")}
        return vars(self) | lists


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
    gains: tuple[LostSupply, ...]
    overloads: tuple[Overload, ...]
    proof: Proof


def play(problem: RestorationProblem, planned: Sequence[Operation], known_customers: bool) -> Played:
    """Play operations on the network, one by one, and prove each.

    Nothing here uses the zones or the sums of the search: each state is energised anew and looked at as it is.
    """
    net, fault = problem.fault.network, problem.fault
    ids, remote = net.branches["branch_id"], net.branches["remote"].fill_null(value=False)
    states = [fault.after]
    for each in planned:
        states.append(states[-1].switched(**{each.action: [str(ids[each.branch])]}))
    seen = [
        _Seen.of(problem, each, states[at], states[at + 1], states[at + 2] if at + 2 < len(states) else None)
        for at, each in enumerate(planned)
    ]
    gains = _lasting(seen)
    steps = [
        Step(
            order, each.action, str(ids[each.branch]), bool(remote[each.branch]), each.stage, tuple(gain.transformers),
            gain.customer_count if known_customers else None, look.joins,
            look.moment.loop_a if look.moment else None, look.lost.customer_count if known_customers else None,
            tuple(look.lost.transformers),
        )
        for order, (each, look, gain) in enumerate(zip(planned, seen, gains, strict=True), 1)
    ]  # fmt: skip
    overloads = {(each.object, each.object_id): each for look in seen[::-1] for each in look.over}
    isolated = all(look.isolated for look in seen)
    isolated &= not fault.is_work or bool(states[-1].is_open_at(problem.zones.isolating).all())
    proof = Proof(all(look.radial for look in seen), not overloads, isolated)
    return Played(tuple(steps), tuple(states), gains, tuple(overloads.values()), proof)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one operation shows.

    Attributes:
        gained, lost: who gets supply, and who loses it.
        joins: whether it may join live parts; ``None`` where it joins none.
        moment: what flows round the loop meanwhile.
        over: limits that are broken.
        radial, isolated: as of :class:`Proof`.
    """

    gained: LostSupply
    lost: LostSupply
    joins: str | None
    moment: LoopMoment | None
    over: tuple[Overload, ...]
    radial: bool
    isolated: bool

    @classmethod
    def of(
        cls, problem: RestorationProblem, operation: Operation, old: Supply, now: Supply, then: Supply | None
    ) -> _Seen:
        """Look at an operation that leads from one state to the next, and at the one after that, where there is one."""
        net, known = problem.fault.network, problem.fault.before.loops
        ends = np.array([net.from_node[operation.branch], net.to_node[operation.branch]])
        moment, joins = None, None
        if operation.action == "close" and old.live(ends).all():
            moment, joins = loop_moment(problem.capacity, old, operation.branch), may_join(old, operation.branch)
        lost = old.lost_in(now)
        isolated = not now.live(problem.fault.zone).any()
        if len(old.nodes_lost_in(now)):
            isolated &= _may_interrupt(problem, lost) and then is not None and not len(old.nodes_lost_in(then))
        radial = not _has_new_loop(now, known)
        if not radial:
            radial = joins not in {None, NO} and then is not None and not _has_new_loop(then, known)
        over = problem.capacity.broken(now) if moment is None else moment.over
        return cls(now.lost_in(old), lost, joins, moment, tuple(over), radial, isolated)


def _has_new_loop(now: Supply, known: Sequence[Loop]) -> bool:
    same = {id(loop) for loop in known}
    others = [frozenset(loop.branch_index.tolist()) for loop in now.loops if id(loop) not in same]
    before = [frozenset(loop.branch_index.tolist()) for loop in known] if others else []
    return any(not any(loop <= other for other in before) for loop in others)


def _may_interrupt(problem: RestorationProblem, lost: LostSupply) -> bool:
    """Return whether some may lose supply for a moment: where that is allowed, and nobody of them is important or sensitive."""
    customers = lost.network.customers[lost.customer_index]
    marked = customers["important"].fill_null(value=False) | customers["sensitive"].fill_null(value=False)
    return problem.capacity.loads.rules.transfer_allowed == "with_short_interruption" and not marked.any()


def _lasting(seen: Sequence[_Seen]) -> tuple[LostSupply, ...]:
    """Return who comes back by each step, without those who only lost supply for the moment of a move."""
    found = []
    for at, look in enumerate(seen):
        gain = look.gained
        transformers, customers = (
            (seen[at - 1].lost.transformer_index, seen[at - 1].lost.customer_index) if at else (NONE, NONE)
        )
        found.append(
            LostSupply(
                gain.network,
                np.setdiff1d(gain.transformer_index, transformers, assume_unique=True),
                np.setdiff1d(gain.customer_index, customers, assume_unique=True),
            )
        )
    return tuple(found)
