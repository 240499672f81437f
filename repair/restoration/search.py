"""The search for one fault, from what is quick and mostly enough to what is exact.

First nothing is opened but what isolates the fault: the tripped device closes again, ties close. If that feeds all that could be
fed, no plan feeds more and none takes fewer operations. Among many switches those come next that part the load into even parts.
Else any switch of what lost supply may be opened, and then live load may be moved to make room. Each search goes without
voltages first; the power flow judges what it finds, and only where it does not agree are voltages held as sums, with a margin
for losses that is widened until it does.

Work is counted in nodes of search trees, never in seconds: the answer is the same however busy the machine is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from network import FudianError, text
from repair.isolation import resumed
from repair.restoration.moves import Accept, in_order, with_moves
from repair.restoration.order import Orders
from repair.restoration.problem import RestorationProblem
from repair.restoration.proof import play
from repair.restoration.relief import Relief
from repair.restoration.sequence import operations
from repair.restoration.switching_model import SMALL_SWITCHES, SURELY, SwitchingModel, SwitchingSolution

NODES_IN_ALL = 3
"""All rounds of one search take so many times the nodes of one at most."""

MOST_ROUNDS = 12
"""Times that the margin for losses is widened, or an end that cannot be reached is ruled out."""

ROUNDS_OF_LARGE = 3
"""The same among more than :data:`SMALL_SWITCHES`."""

MOST_SEARCHED = 600
"""Among more switches only some may be opened that part the load evenly: what could be fed beside that is told as the gap."""

EVEN_PARTS = 15
"""So many are these parts at least; among fewer switches, but more than a few, they are tried first: fewer steps often do."""

ROUNDS_ASKED, STATES_ASKED = 3, 30
"""Of the search for what a permission would feed, which is only told and need not take longer than the plan itself: rounds, and
states on the way to an end."""

WIDER = 1e-5
"""Beyond the losses that were found, in squares of the voltage."""


def search(
    problem: RestorationProblem, measure: str, first_goals_only: bool = False, without: SwitchingSolution | None = None
) -> tuple[RestorationProblem, SwitchingSolution]:
    """Return the best choice that the power flow accepts in the end; ``proven`` says whether nothing feeds more.

    The case beside it is that of the fault with all feeders which the choice touches.

    Args:
        problem: the fault.
        measure: what shall come back, ``customers`` or ``kw``.
        first_goals_only: leave open how and how soon; only what is fed in the end counts.
        without: the best choice that leaves live load where it is, where it is known.

    Raises:
        FudianError: not even the isolated fault alone keeps the limits.
    """
    every = problem.feedable(measure)
    best = without or without_moves(problem, measure, first_goals_only, every)
    if best.gain < every:
        problem, best = _with_live_load_moved(problem, measure, first_goals_only, every, best)
    _require_limits(problem, best)
    most = min(best.most if best.cost else np.floor(best.most + SURELY), float(every[0]))
    return problem, replace(best, most=most, proven=best.proven or (best.gain == every and not best.cost))


def search_without_moves(
    problem: RestorationProblem, measure: str, first_goals_only: bool = False
) -> SwitchingSolution:
    """Return the best choice that leaves live load where it is; see :func:`search`.

    Raises:
        FudianError: not even the isolated fault alone keeps the limits.
    """
    best = without_moves(problem, measure, first_goals_only, problem.feedable(measure))
    _require_limits(problem, best)
    return best


def _require_limits(problem: RestorationProblem, best: SwitchingSolution) -> None:
    """Make sure that the end of a choice keeps the limits.

    Raises:
        FudianError: it does not.
    """
    if problem.losses(best):
        raise FudianError(
            text("No plan for a fault on {branch} keeps every limit.", branch=", ".join(problem.fault.ids)),
            text("Look at ratings, capacities, impedances and loads around it; fudian check lists impossible ones."),
        )


def without_moves(
    problem: RestorationProblem, measure: str, first_goals_only: bool, every: tuple[int, int]
) -> SwitchingSolution:
    """Return the best choice that leaves live load where it is."""
    if first_goals_only and (at_once := _fed_at_once(problem.as_closed, measure, every)) is not None:
        return replace(at_once, proven=True, most=float(every[0]))
    best = _settled(problem.as_closed, measure, first_goals_only)
    if best.gain == every and (first_goals_only or _is_final(problem, best, measure)):
        return replace(best, proven=True, most=float(every[0]))
    in_two = _in_two_steps(problem, measure) if best.gain == every else None
    if in_two is not None and in_two.gain == every and in_two.gain_early == problem.most_early(measure):
        return replace(in_two, proven=True, most=float(every[0]))
    best = replace(best, proven=False)
    if len(problem.zones.switch) > SMALL_SWITCHES:
        in_parts = _settled(problem.in_even_parts(EVEN_PARTS), measure, first_goals_only)
        best = _better(problem, best, replace(in_parts, most=float(every[0]), proven=False))
        if best.gain == every:
            return replace(best, proven=True)
    if len(problem.zones.switch) > MOST_SEARCHED:
        return best
    return _better(problem, best, _settled(problem, measure, first_goals_only, best))


def _fed_at_once(problem: RestorationProblem, measure: str, every: tuple[int, int]) -> SwitchingSolution | None:
    """Return the choice that feeds every zone by the one way in that can carry most, if all is fed so within every limit.

    Nothing feeds more, so that no program need be searched where only that counts. ``None`` where it is not so simple.
    """
    zones = problem.zones
    ports = np.flatnonzero(zones.port)
    if zones.live.any() or zones.closed.any() or len(np.unique(zones.second[ports])) < zones.count:
        return None
    spare = np.full(len(zones.switch), np.inf)
    for limit in problem.limits if len(ports) > zones.count else ():
        spare[list(limit.ports)] = np.minimum(spare[list(limit.ports)], limit.limit - limit.present)
    by_spare = ports[np.argsort(-spare[ports], kind="stable")]
    late = np.zeros(len(zones.switch), dtype=np.bool_)
    late[by_spare[np.unique(zones.second[by_spare], return_index=True)[1]]] = True
    choice = SwitchingSolution.of(zones, problem.both_users(measure), zones.closed, late)
    if choice.gain != every or problem.capacity.broken(problem.state_of(choice)):
        return None
    return _in_reach(Orders(problem), measure, choice) if problem.demand.can_sink else choice


def _with_live_load_moved(
    problem: RestorationProblem,
    measure: str,
    first_goals_only: bool,
    every: tuple[int, int],
    best: SwitchingSolution,
) -> tuple[RestorationProblem, SwitchingSolution]:
    """Return the best choice that may move live load, and the case with the feeders it touches; else the given one."""
    if problem.capacity.loads.rules.transfer_allowed == "never":
        return problem, best
    of, known, is_large = problem, best, len(problem.zones.switch) > MOST_SEARCHED
    if not is_large:
        found = with_moves(problem, measure, best, every, first_goals_only, _settled_with)
        if found is None:
            return problem, best
        of, known = found[0], _better(found[0], best, found[1])
        known = replace(known, proven=found[1].proven or known.value >= known.most - (0.0 if known.cost else 0.5))
    if not known.proven and known.gain < every:
        relief = Relief(problem, measure, lambda each: without_moves(each, measure, first_goals_only, every))
        roomier = relief.beyond(best, steps_count=not first_goals_only)
        if roomier is not None and roomier[1].value > known.value:
            of, known = roomier[0], replace(roomier[1], most=max(known.most, roomier[1].value))
            known = replace(known, proven=known.value >= known.most - 0.5)
    return of, known


def with_permission(
    problem: RestorationProblem, measure: str, best: SwitchingSolution
) -> tuple[RestorationProblem, SwitchingSolution] | None:
    """Return what could be fed if live load might be moved with a short interruption too; ``None`` where none can be.

    Args:
        problem: the fault, with or without feeders whose load is moved.
        measure: what shall come back.
        best: the best choice as things are.
    """
    capacity = problem.capacity
    rules = capacity.loads.rules.model_copy(update={"transfer_allowed": "with_short_interruption"})
    freely = RestorationProblem.of(
        replace(capacity.loads, rules=rules), capacity.source_ampere, problem.fault, warm=capacity.warm
    )
    every, settle = freely.feedable(measure), partial(_settled_with, rounds=ROUNDS_ASKED)
    return with_moves(freely, measure, best, every, True, settle, 1, STATES_ASKED)


def _in_two_steps(problem: RestorationProblem, measure: str) -> SwitchingSolution | None:
    """Return the choice that isolates by remote operations first, as if nobody could get to the other devices, and then goes on.

    It takes the power flow's word for both states; ``None`` where one of the two breaks a limit.
    """
    net, fault = problem.fault.network, problem.fault
    remote = net.remote
    on_site = net.branches["branch_id"].filter(pl.Series(net.switching & ~remote)).to_list()
    at_first = problem.at(resumed(fault, fault.after, on_site))
    early = _settled(at_first.as_closed, measure, first_goals_only=False)
    reached = at_first.state_of(early)
    if at_first.losses(early):
        return None
    then = problem.at(resumed(fault, reached))
    late = _settled(then.as_closed, measure, first_goals_only=False)
    if then.losses(late):
        return None
    closed = [~state.is_open_at(problem.zones.switch) for state in (reached, then.state_of(late))]
    return SwitchingSolution.of(problem.zones, problem.both_users(measure), *closed)


def _is_final(problem: RestorationProblem, best: SwitchingSolution, measure: str) -> bool:
    """Return whether no plan that opens more is better than one that feeds all: none takes fewer operations."""
    return not problem.capacity.loads.rules.early_first or best.gain_early == problem.most_early(measure)


def _better(problem: RestorationProblem, *choices: SwitchingSolution | None) -> SwitchingSolution:
    """Return the choice that feeds most, then the one that does so as the goals say; of equal ones the first."""
    found = [choice for choice in choices if choice is not None]
    best = max(found, key=lambda each: _worth(problem, each))
    proven = any(each.proven and each.gain == best.gain for each in found)
    return replace(best, most=max(found[-1].most, best.value), proven=proven)


def _worth(problem: RestorationProblem, choice: SwitchingSolution) -> tuple[float, int, tuple[int, int]]:
    """Return what makes a choice the better one: what it feeds, and then how soon and how simply."""
    then = choice.gain_early, -problem.operations_of(choice)
    return choice.value, choice.gain[1], then if problem.capacity.loads.rules.early_first else then[::-1]


def _settled(
    problem: RestorationProblem, measure: str, first_goals_only: bool, known: SwitchingSolution | None = None
) -> SwitchingSolution:
    """Return the best choice without moving live load; nothing at all where none is found."""
    nothing = known or SwitchingSolution.nothing(problem.zones)
    accept: Accept = partial(_in_reach, Orders(problem), measure) if problem.demand.can_sink else lambda choice: choice
    return _settled_with(problem, problem.model(measure), first_goals_only, nothing, accept)


def _in_reach(orders: Orders, measure: str, choice: SwitchingSolution) -> SwitchingSolution | None:
    """Return a choice with an order that keeps the limits at every step, where users with two supplies change between them.

    Elsewhere currents only grow from step to step, so that any order keeps what the end keeps.
    """
    if play(orders.problem, operations(orders.problem, choice), known_customers=False).proof.within_ratings:
        return choice
    return in_order(orders, measure, choice, [])


def _settled_with(
    problem: RestorationProblem,
    model: SwitchingModel,
    first_goals_only: bool,
    known: SwitchingSolution,
    accept: Accept,
    rounds: int | None = None,
) -> SwitchingSolution:
    """Return the best choice of a program that the power flow and a further rule accept.

    Without voltages first. What is found with voltages as sums, which without losses are never too low, bounds what can be fed;
    what losses take is then a margin, widened until the power flow agrees. What was accepted is improved step by step at the end.
    """
    nodes = _nodes(problem)
    accepted, margin, most, first, holds = [known], 0.0, np.inf, None, False
    proven, rest = False, np.inf
    begun = model.program.nodes
    for _ in range(rounds or _rounds(problem)):
        left = NODES_IN_ALL * nodes - (model.program.nodes - begun)
        if left <= 0:
            break
        choice = model.best(min(nodes, left), first_goals_only, most_only=holds)
        rest, most = _bounds(model, choice, most) if margin == 0.0 else (np.inf, most)
        if choice is None or _has_enough(accepted, rest):
            break
        if lost := problem.losses(choice):
            if not holds:
                first, holds = choice, True
                model.hold_voltages(problem.levels(), 0.0)
                continue
            margin = max(lost, margin) + WIDER
            model.hold_voltages(problem.levels(), margin)
            along = model.best(nodes, first_goals_only, along=first)
            if along is not None and not problem.losses(along) and (reached := accept(along)) is not None:
                accepted.append(reached)
            model.require(
                int(max(each.value for each in accepted))
            )  # what feeds less is not looked for, which is quicker
            continue
        if holds:
            choice = _in_full(problem, model, choice, first_goals_only)
        if (reached := accept(choice)) is not None:
            if reached.gain < accepted[-1].gain and not _cost_any(accepted):
                break
            accepted.append(reached)
            proven = choice.proven and margin == 0.0 and not reached.cost
            if problem.operations_of(reached) == problem.operations_of(choice) and not reached.cost:
                break
        # out of reach, by a detour, or with somebody cut off for a moment: another end may do without
        model.forbid(choice)
    best = max(accepted, key=lambda each: _worth(problem, each))
    if holds and not proven and best.gain[0] < most:
        best = _improved(problem, model, best, first_goals_only, accept)
    if _cost_any(accepted):
        return _beside_interruptions(best, accepted, min(most, rest))
    return replace(best, most=most, proven=proven or best.value >= most - 0.5)


def _cost_any(choices: Sequence[SwitchingSolution]) -> bool:
    """Return whether any of these cuts somebody off for a moment."""
    return any(choice.cost for choice in choices)


def _has_enough(accepted: Sequence[SwitchingSolution], rest: float) -> bool:
    """Return whether no other end is worth more, where some of those found cut somebody off for a moment."""
    return _cost_any(accepted) and rest <= max(each.value for each in accepted) + SURELY


def _beside_interruptions(
    best: SwitchingSolution, accepted: Sequence[SwitchingSolution], rest: float
) -> SwitchingSolution:
    """Return the best with what any end is worth at most: those found, each by the cheapest way to it, and the rest of them."""
    most = max(rest, *(each.gain[0] - each.least_cost for each in accepted), best.value)
    return replace(best, most=most, proven=most <= best.value + SURELY)


def _bounds(model: SwitchingModel, choice: SwitchingSolution | None, most: float) -> tuple[float, float]:
    """Return what the ends that were not ruled out feed at most, after a search for the best of them, and what any does."""
    if choice is None:
        return (-np.inf if model.program.has_none else np.inf), most
    return float(np.floor(choice.most + SURELY)), min(most, choice.most)


def _in_full(
    problem: RestorationProblem, model: SwitchingModel, choice: SwitchingSolution, first_goals_only: bool
) -> SwitchingSolution:
    """Return the best by all goals in place of one that is the best by the first alone, if the power flow accepts it too.

    Among many switches it feeds by the same ways.
    """
    is_small = len(problem.zones.switch) <= SMALL_SWITCHES
    full = model.best(_nodes(problem), first_goals_only, along=None if is_small else choice)
    if full is None or full.gain < choice.gain or problem.losses(full):
        return choice
    return replace(full, proven=choice.proven, most=choice.most)


def _nodes(problem: RestorationProblem) -> int:
    """Return how many nodes a search may take: fewer where each costs more, so that large faults are answered as soon."""
    rules = problem.capacity.loads.rules
    size = max(len(problem.zones.switch), SMALL_SWITCHES)
    return max(rules.search_nodes * SMALL_SWITCHES**4 // size**4, 1)


def _rounds(problem: RestorationProblem) -> int:
    return MOST_ROUNDS if len(problem.zones.switch) <= SMALL_SWITCHES else ROUNDS_OF_LARGE


def _improved(
    problem: RestorationProblem, model: SwitchingModel, best: SwitchingSolution, first_goals_only: bool, accept: Accept
) -> SwitchingSolution:
    """Return a choice that feeds more, step by step within few changes of the last, as long as there is one."""
    if not np.array_equal(best.zones.switch, model.zones.switch):
        return best
    nodes, levels = _nodes(problem), problem.levels()
    start, margin, kept = best, 0.0, 0.0
    for _ in range(_rounds(problem)):
        model.hold_voltages(levels, margin)
        choice = model.best(nodes, True, near=best, most_only=True)
        lost = 0.0 if choice is None else problem.losses(choice)
        if choice is None or (not lost and choice.gain <= best.gain):
            break
        if lost:
            margin = max(lost, margin) + WIDER
        elif (reached := accept(choice)) is not None:
            best, kept = reached, margin
        else:
            model.forbid(choice)
    if best is start or first_goals_only:
        return best
    model.hold_voltages(levels, kept)
    along = model.best(nodes, along=best)
    if along is None or along.gain != best.gain or problem.losses(along):
        return best
    return accept(along) or best
