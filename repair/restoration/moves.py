"""Moving live load to make room 转供: which feeders take part, in chains of two and three, and what that adds to a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np

from network import LostSupply
from network.arrays import Indices
from repair.isolation import MAKES_LOAD
from repair.restoration.loading import FeederState
from repair.restoration.operation import REMOTE, Operation
from repair.restoration.order import Orders
from repair.restoration.parallel import NO, by_sources, groups_that_may_join, may_join, source_of
from repair.restoration.problem import RestorationProblem
from repair.restoration.switching_model import SURELY, SwitchingModel, SwitchingSolution

MOST_SWITCHES = 100
"""Of a chain that brings more switches into the search only what it could feed at most is worked out."""

MOST_BOUNDED = 600
"""Of a chain that brings more than this not even that: all that was lost is the bound."""

Accept = Callable[[SwitchingSolution], SwitchingSolution | None]
Settle = Callable[[RestorationProblem, SwitchingModel, bool, SwitchingSolution, Accept], SwitchingSolution]


def with_moves(
    problem: RestorationProblem,
    measure: str,
    best: SwitchingSolution,
    every: tuple[int, int],
    first_goals_only: bool,
    settle: Settle,
    more: int = 0,
    most_states: float = np.inf,
) -> tuple[RestorationProblem, SwitchingSolution] | None:
    """Return the best choice that may move live load, and the case with the feeders it touches; ``None`` where none may.

    Chains grow feeder by feeder until all is fed.

    Args:
        problem: the fault.
        measure: what shall come back.
        best: the best choice without moves.
        every: what could be fed at most.
        first_goals_only: leave open how and how soon.
        settle: searches a program for the best choice that a rule accepts.
        more: by how much more than the best without moves has to be fed.
        most_states: states that may be looked at for orders of operations, in all.
    """
    found = None
    for nodes in _chains(problem):
        wider = problem.with_movable(nodes)
        if len(wider.zones.switch) > MOST_SWITCHES:
            large = len(wider.zones.switch) > MOST_BOUNDED or first_goals_only
            most = every[0] if large else wider.model(measure, _stay_open(wider)).at_most()
            of, known = found or (problem, best)
            return of, replace(known, most=max(most, known.most), proven=False)
        orders, unsure = Orders(wider, most_states), [-np.inf]
        model = wider.model(measure, _stay_open(wider))
        model.require(best.gain[0] + more)
        choice = settle(
            wider, model, first_goals_only, best,
            lambda choice, orders=orders, unsure=unsure: in_order(orders, measure, choice, unsure),  # type: ignore[misc]
        )  # fmt: skip
        if max(unsure) > choice.value + SURELY:
            choice = replace(choice, most=max(choice.most, *unsure), proven=False)
        if choice.zones is not wider.zones:
            choice = replace(best, most=choice.most, proven=choice.proven)
            found = found if found and found[1].value > best.value else (problem, choice)
        elif found and found[1].value > choice.value:
            found = found[0], replace(found[1], most=choice.most, proven=choice.most <= found[1].value + SURELY)
        else:
            found = wider, choice
        if choice.gain == every and not choice.cost:
            break
    return found


def in_order(orders: Orders, measure: str, choice: SwitchingSolution, unsure: list[float]) -> SwitchingSolution | None:
    """Return a choice with the order of its operations and what of it is done remotely; ``None`` where no order is found.

    What it is worth is added to ``unsure`` where there might be an order all the same.
    """
    sequence = orders.to(choice)
    if sequence is None:
        unsure += [] if orders.is_sure else [choice.value]
        return None
    zones, early = choice.zones, choice.zones.closed.copy()
    number = {int(branch): at for at, branch in enumerate(zones.switch)}
    for each in sequence:
        if each.stage == REMOTE and each.branch in number:
            early[number[each.branch]] = each.action == "close"
    known = SwitchingSolution.of(zones, orders.problem.both_users(measure), early, choice.late)
    cost = _cost(orders.problem, measure, sequence)
    least = min(cost, _least_cost(orders.problem, measure, choice)) if cost else 0.0
    return replace(known, proven=choice.proven, most=choice.most, sequence=sequence, cost=cost, least_cost=least)


def _cost(problem: RestorationProblem, measure: str, sequence: Sequence[Operation]) -> float:
    """Return what those cost who lose supply on the way until the next step."""
    rules = problem.capacity.loads.rules
    if rules.transfer_allowed != "with_short_interruption":
        return 0.0
    ids, now, cut = problem.fault.network.branches["branch_id"], problem.fault.after, 0.0
    for each in sequence:
        after = now.switched(**{each.action: [str(ids[each.branch])]})
        cut += problem.weight_of(now.lost_in(after), measure)
        now = after
    return rules.interruption_cost * cut


def _least_cost(problem: RestorationProblem, measure: str, choice: SwitchingSolution) -> float:
    """Return what an end costs at least, in any order: whoever comes to another source, and cannot do so live, loses supply.

    Sources may be joined as they say; where a tie says yes, those at its ends, and all where it is not known which these are.
    """
    net, zones, after, end = problem.fault.network, choice.zones, problem.fault.after, problem.state_of(choice)
    group = {int(node): int(node) for node in net.source_node}

    def join(one: int, other: int) -> None:
        gone, kept = group[one], group[other]
        group.update({node: kept for node, each in group.items() if each == gone})

    every = [int(node) for node in net.source_node]
    for one, other in combinations(every, 2):
        if by_sources(after, one, other) != NO:
            join(one, other)
    for branch in zones.switch[
        net.branches["may_parallel"].gather(zones.switch).fill_null(value=False).to_numpy()
    ].tolist():
        sides = [source_of(after, int(node[branch])) for node in (net.from_node, net.to_node)]
        known = min(sides) >= 0 and after.is_open[branch]
        for one, other in [sides] if known else pairwise(every):
            join(one, other)
    nodes = zones.nodes[np.unique(zones.zone, return_index=True)[1]]
    moved = [
        zone
        for zone in np.flatnonzero(zones.live).tolist()
        if group.get(source_of(after, int(nodes[zone])), -1) != group.get(source_of(end, int(nodes[zone])), -1)
    ]
    own = zones.nodes[np.isin(zones.zone, moved)]
    cut = np.isin(net.transformer_node, own) & (net.transformer_second_node < 0)
    alone = cut[net.customer_transformer] & (net.customer_second_transformer < 0)
    hit = LostSupply(net, np.flatnonzero(cut), np.flatnonzero(alone))
    return problem.capacity.loads.rules.interruption_cost * problem.weight_of(hit, measure)


def _chains(problem: RestorationProblem) -> Iterator[Indices]:
    """Give the nodes of the feeders whose load may be moved: those beside the fault with their neighbours, then theirs too."""
    zones, net = problem.zones, problem.fault.network
    rules = problem.capacity.loads.rules
    if rules.transfer_allowed == "never":
        return
    after = problem.fault.after
    states = [problem.capacity.loads.state_of(after, part) for part in after.parts_of(zones.live_node[zones.port])]
    known = {id(each.part): each for each in states if can_be_moved(each, zones.live_node[zones.port])}
    if not known:
        return
    edge = list(known.values())
    makes = net.branches["kind"].is_in(MAKES_LOAD).to_numpy() & ~problem.fault.barred
    for _ in range(1, rules.transfer_chain):
        beyond: dict[frozenset[int], FeederState] = {}
        for state in edge:
            ties = np.unique(net.branches_at_node.of_keys(state.part.nodes[state.part.forest.reached]))
            ties = ties[makes[ties] & after.is_open_at(ties)]
            ties = ties[after.live(net.from_node[ties]) & after.live(net.to_node[ties])]
            for branch in ties.tolist():
                if rules.transfer_allowed == "make_before_break" and _never(problem, branch):
                    continue
                ends = np.array([net.from_node[branch], net.to_node[branch]])
                for part in after.parts_of(ends):
                    other = problem.capacity.loads.state_of(after, part)
                    if part.members not in {each.part.members for each in known.values()} and can_be_moved(other, ends):
                        beyond[part.members] = other
        known |= {id(each.part): each for each in beyond.values()}
        if any(
            len(each.part.nodes) > 1 for each in known.values()
        ):  # nothing hangs on a source alone that could be moved
            yield np.unique(np.concatenate([each.part.nodes for each in known.values()]))
        edge = list(beyond.values())
        if not edge:
            return


def can_be_moved(state: FeederState, nodes: Indices) -> bool:
    """Return whether a feeder takes part: it hangs radially on one source, has a voltage, and one of these nodes is its own."""
    forest = state.part.forest
    own = np.isin(nodes, state.part.nodes[forest.reached]).any()
    return bool(own and not len(forest.back_branch) and (forest.parent == 0).sum() == 1 and not state.collapsed)


def _never(problem: RestorationProblem, branch: int) -> bool:
    """Return whether a tie joins no live parts whatever is moved: it says so."""
    net = problem.fault.network
    return net.branches["may_parallel"][branch] is False


def _stay_open(problem: RestorationProblem) -> list[int]:
    """Return the switches, by number, that can never be closed between live parts without an interruption."""
    zones, after = problem.zones, problem.fault.after
    if problem.capacity.loads.rules.transfer_allowed != "make_before_break":
        return []
    between = ~zones.closed & (zones.first >= 0)
    between[between] &= zones.live[zones.first[between]] & zones.live[zones.second[between]]
    numbers = np.flatnonzero(between)
    group = groups_that_may_join(after, zones.switch[numbers])
    net, stays = problem.fault.network, []
    for number in numbers.tolist():
        branch = int(zones.switch[number])
        sources = [source_of(after, int(end[branch])) for end in (net.from_node, net.to_node)]
        apart = group[sources[0]] != group[sources[1]]
        if _never(problem, branch) or (apart and may_join(after, branch) == NO):
            stays.append(number)
    return stays
