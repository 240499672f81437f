"""Which switches to operate so that most is fed again: an exact search over the zones that lost supply.

Two states are sought at once: *early*, when remote operations are done, and *late*, when those on site are done too. What is fed
early stays fed, and by the same switches. In each state every fed zone has exactly one switch through which power comes in, so it
is radial, and a unit of an imaginary good that each fed zone consumes reaches it from a live node, so no ring feeds itself.
Currents are sums at nominal voltage; they only grow from early to late, so that the late state alone is held to the limits.
Where live load may be moved they may sink too: then only the late state is sought, and live zones have to be fed in it.

Goals come one after the other, each kept exactly for the next: what is fed, by the chosen measure and by the other; how much
of it early; how few operations; how few of them on site; how little live load is moved; and at last the smallest highest
loading, that is the widest margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.isolation import MAKES_LOAD
from repair.restoration.demand import Demand
from repair.restoration.operation import Operation
from repair.restoration.program import Goal, Program
from repair.restoration.voltage import Level, Levels
from repair.restoration.zones import Zones

MEASURES = 2
"""The first goals: what is fed, by the chosen measure and by the other."""

HIGHEST_SQUARE = 1.0
"""No square of a voltage, of nominal, is above that of the sources: loads only take."""

SMALL_SWITCHES = 50
"""Among more switches the most that can be fed is sought first, and what follows is made best along the same ways alone."""

NEAR = 8
"""Ways that may differ where a choice is improved step by step."""

SURELY = 1e-4
"""What is fed is a whole number, and bounds of it are rounded down beyond this."""

SLACK = 1e-6
"""So that rounding never cuts off a voltage that just keeps its limit."""


@dataclass(frozen=True, eq=False, repr=False)
class Users(Shown):
    """Who gains when zones are fed: each group has supply as soon as one of its zones has.

    Attributes:
        zones: the zones of each group.
        weight: what each group counts, whole numbers, shape (groups,).
    """

    zones: Sequence[tuple[int, ...]]
    weight: Indices


@dataclass(frozen=True)
class Limit:
    """What some ports may bring in together, beside what flows already.

    Attributes:
        ports: switches by number in the zones; power that passes from their first end to their second comes in.
        present: A that flow already.
        limit: A that may flow.
        back: switches by number for which it is the other way round.
        leaving: amperes that flow no more once a zone is fed.
    """

    ports: tuple[int, ...]
    present: float
    limit: float
    back: tuple[int, ...] = ()
    leaving: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class SwitchingSolution(Shown):
    """A solution.

    Attributes:
        zones: what the switches and the zones are.
        early, late: whether each switch is closed once remote operations are done, and at the end; shape (switches,).
        feeds: whether power passes each switch at the end, shape (switches,).
        backwards: whether it passes from the second zone to the first, shape (switches,).
        fed: whether each zone is fed at the end, shape (zones,).
        fed_early: whether each is once remote operations are done, shape (zones,).
        gain: what is fed beyond what is live after the trip, by the chosen measure and by the other.
        gain_early: what is fed early, by the chosen measure.
        proven: whether the search has none that feeds more.
        most: what is known to be the most that can be fed by the chosen measure.
        sequence: the order of operations, where live load is moved.
        cost: what those cost who are cut off for a moment on the way, in the unit of ``gain``.
        least_cost: what they cost at least, on whatever way this end is reached.
    """

    zones: Zones
    early: Mask
    late: Mask
    feeds: Mask
    backwards: Mask
    fed: Mask
    fed_early: Mask
    gain: tuple[int, int]
    gain_early: int
    proven: bool = False
    most: float = np.inf
    sequence: tuple[Operation, ...] | None = None
    cost: float = 0.0
    least_cost: float = 0.0

    @property
    def value(self) -> float:
        """What is fed by the chosen measure, less what short interruptions cost."""
        return self.gain[0] - self.cost

    @classmethod
    def of(cls, zones: Zones, users: tuple[Users, Users], early: Mask, late: Mask) -> SwitchingSolution:
        """Return the choice that leaves each switch closed or open, shape (switches,)."""
        feeds, backwards, fed = _fed_by(zones, late)
        first, other = users
        fed_early = _fed_by(zones, early)[-1]
        reached = np.append(fed_early, True)
        early = early & (zones.closed | reached[zones.first] | reached[zones.second])  # what feeds nobody yet can wait
        return cls(
            zones, early, late, feeds, backwards, fed, fed_early, (_gain(first, fed), _gain(other, fed)),
            _gain(first, fed_early),
        )  # fmt: skip

    @classmethod
    def nothing(cls, zones: Zones) -> SwitchingSolution:
        """Return the choice to isolate the fault and to feed nobody."""
        feeds, backwards, fed = _fed_by(zones, zones.closed)
        return cls(zones, zones.closed, zones.closed, feeds, backwards, fed, fed, (0, 0), 0)

    @property
    def operated(self) -> Indices:
        """The switches whose state differs at the end from that after the trip, by number in the zones."""
        return np.flatnonzero(self.late != self.zones.closed)

    @property
    def moves_live_load(self) -> bool:
        """Whether a live zone is fed another way at the end, or parted from another."""
        zones = self.zones
        at_live = zones.live[zones.second] & np.where(zones.first < 0, True, zones.live[zones.first])
        return bool(at_live[self.operated].any())


def _fed_by(zones: Zones, closed: Mask) -> tuple[Mask, Mask, Mask]:
    """Return which switches power passes, which of them backwards, and which zones it reaches, from the live ones outwards."""
    feeds, backwards = np.zeros(len(closed), dtype=np.bool_), np.zeros(len(closed), dtype=np.bool_)
    fed = zones.root >= 0
    ways: list[list[int]] = [[] for _ in range(zones.count)]
    edge = np.flatnonzero(fed).tolist()
    for at in np.flatnonzero(closed).tolist():
        one, two = int(zones.first[at]), int(zones.second[at])
        ways[two].append(at)
        if one >= 0:
            ways[one].append(at)
        elif not fed[two]:
            fed[two] = feeds[at] = True
            edge.append(two)
    while edge:
        zone = edge.pop()
        for at in ways[zone]:
            other = int(zones.first[at]) if zones.second[at] == zone else int(zones.second[at])
            if other >= 0 and not fed[other]:
                fed[other] = feeds[at] = True
                backwards[at] = zones.second[at] == zone
                edge.append(other)
    return feeds, backwards, fed


def _gain(users: Users, fed: Mask) -> int:
    pairs = zip(users.zones, users.weight.tolist(), strict=True)
    return int(sum(weight for zones, weight in pairs if fed[list(zones)].any()))


@dataclass(frozen=True, eq=False, repr=False)
class _State(Shown):
    """The variables of one of the two states."""

    closed: Indices
    inwards: Indices  # from the first zone (or the live node) to the second
    outwards: Indices
    fed: Indices


class SwitchingModel:
    """The program of one fault.

    Args:
        zones: what lost supply.
        users: groups by the chosen measure, and by the other.
        demand: the load of the zones.
        limits: what the ports may bring in.
        switch_limit: what each switch may carry, in A, shape (switches,).
        line_limit: what each place of the zones' forest may carry, in A, shape (places,).
        isolated_late: zones that a device on site still joins to the fault when remote operations are done.
        early_first: whether how much is fed early counts before how few operations it takes.
        barred: switches by number that stay open.
        isolating: zones beside each isolating device that is closed: where one of them is fed it is opened.
    """

    def __init__(
        self,
        zones: Zones,
        users: tuple[Users, Users],
        demand: Demand,
        limits: Sequence[Limit],
        switch_limit: Numbers,
        line_limit: Numbers,
        isolated_late: Indices,
        early_first: bool,
        barred: Sequence[int] = (),
        isolating: Sequence[tuple[int, ...]] = (),
    ) -> None:
        self.zones, self.users, self.demand = zones, users, demand
        net = zones.isolation.network
        self.remote, self.makes = net.remote[zones.switch], net.of_kind(MAKES_LOAD)[zones.switch]
        self.program = Program()
        self.late = self._state()
        one_state = bool(zones.live.any()) or (self.remote.all() and not len(isolated_late))
        self.early = self.late if one_state else self._state()
        if not one_state:
            self._keep_what_was_fed(isolated_late)
        for at in barred:
            self.program.fix(self.late.closed[at], 0.0)
        self._reach_from_a_live_node()
        self.flow, self.second = self._flows()
        self.highest = int(self.program.variables(1)[0])
        self._limit_flows(limits, switch_limit, line_limit)
        self.moved_early, self.moved_late = self._operations(isolating)
        self.goals = self._goals(early_first)
        self.before_voltages: tuple[int, int] | None = None
        self.forbidden: list[SwitchingSolution] = []

    # The states ---------------------------------------------------------------------------------------------------

    def _state(self) -> _State:
        """Add a radial state: a closed switch with a live end feeds the zone at the other."""
        zones, program = self.zones, self.program
        count = len(zones.switch)
        closed = program.variables(count, integer=True)
        inwards, outwards = program.variables(count, integer=True), program.variables(count, integer=True)
        fed = program.variables(zones.count, integer=True)
        for zone in np.flatnonzero(zones.live).tolist():
            program.fix(fed[zone], 1.0)
        into: list[list[int]] = [[] for _ in range(zones.count)]
        for at in range(count):
            one, two = int(zones.first[at]), int(zones.second[at])
            into[two].append(inwards[at])
            program.row([(inwards[at], 1), (outwards[at], 1), (closed[at], -1)], most=0)
            program.row([(closed[at], 1), (fed[two], 1), (inwards[at], -1), (outwards[at], -1)], most=1)
            if one < 0:
                program.fix(outwards[at], 0)
                program.row([(closed[at], 1), (inwards[at], -1)], most=0)
                continue
            into[one].append(outwards[at])
            program.row([(closed[at], 1), (fed[one], 1), (inwards[at], -1), (outwards[at], -1)], most=1)
            program.row([(inwards[at], 1), (fed[one], -1)], most=0)
            program.row([(outwards[at], 1), (fed[two], -1)], most=0)
        for zone, ways in enumerate(into):
            own = 0.0 if zones.root[zone] >= 0 else -1.0
            program.row([(fed[zone], own), *((way, 1) for way in ways)], least=0, most=0)
        return _State(closed, inwards, outwards, fed)

    def _keep_what_was_fed(self, isolated_late: Indices) -> None:
        program, zones, early, late = self.program, self.zones, self.early, self.late
        for at in range(len(zones.switch)):
            if not self.remote[at]:
                program.fix(early.closed[at], float(zones.closed[at]))
            program.row([(early.inwards[at], 1), (late.inwards[at], -1)], most=0)
            program.row([(early.outwards[at], 1), (late.outwards[at], -1)], most=0)
            if not self.makes[at]:
                for zone in (zones.first[at], zones.second[at]):
                    program.row([(late.closed[at], 1), (early.closed[at], -1), (early.fed[zone], 1)], most=1)
        for zone in isolated_late:
            program.fix(early.fed[zone], 0)

    def _reach_from_a_live_node(self) -> None:
        zones, late = self.zones, self.late
        good = self.program.variables(len(zones.switch), -zones.count, zones.count)
        self._carry_only_where_fed(good, float(zones.count))
        for zone, terms in self._balance(good).items():
            self.program.row([(late.fed[zone], -1), *terms], least=0, most=0)

    def _carry_only_where_fed(self, flow: Indices, most: float | Numbers) -> None:
        bound = np.broadcast_to(most, len(flow))
        for at in range(len(flow)):
            self.program.row([(flow[at], 1), (self.late.inwards[at], -bound[at])], most=0)
            self.program.row([(flow[at], -1), (self.late.outwards[at], -bound[at])], most=0)

    def _balance(self, flow: Indices) -> dict[int, list[tuple[int, float]]]:
        """Return, for each zone without a source, what flows in less what flows out."""
        terms: dict[int, list[tuple[int, float]]] = {zone: [] for zone in np.flatnonzero(self.zones.root < 0).tolist()}
        for at, (one, two) in enumerate(zip(self.zones.first.tolist(), self.zones.second.tolist(), strict=True)):
            if two in terms:
                terms[two].append((flow[at], 1.0))
            if one in terms:
                terms[one].append((flow[at], -1.0))
        return terms

    # Currents -----------------------------------------------------------------------------------------------------

    def _flows(self) -> tuple[Indices, Indices]:
        """Add the current of each switch, and the loads that are taken at a second supply."""
        zones, demand, program, late = self.zones, self.demand, self.program, self.late
        total = float(demand.at_node.sum() + sum(each[-1] for each in demand.second))
        flow = program.variables(len(zones.switch), -total, total)
        self._carry_only_where_fed(flow, total)
        second = program.variables(len(demand.second))
        balance = self._balance(flow)
        of_zone: Numbers = np.bincount(zones.zone, weights=demand.at_node, minlength=zones.count).astype(np.float64)
        for zone, terms in balance.items():
            terms.append((late.fed[zone], -of_zone[zone]))
        for taken, (_, one, _, two, ampere) in zip(second, demand.second, strict=True):
            program.row([(late.fed[two], 1), (late.fed[one], -1), (taken, -1)], most=0)
            program.row([(taken, 1), (late.fed[two], -1)], most=0)
            if one in balance:
                balance[one].append((late.fed[one], -ampere))
            if two in balance:
                balance[two].append((taken, -ampere))
        for terms in balance.values():
            program.row(terms, least=0, most=0)
        self._carry_what_is_fed(flow, of_zone, total)
        return flow, second

    def _carry_what_is_fed(self, flow: Indices, of_zone: Numbers, total: float) -> None:
        """A switch that feeds a zone carries its load at least: known anyway, but fractions of switches are bound by it."""
        zones, late = self.zones, self.late
        for at in range(len(flow)):
            one, two = int(zones.first[at]), int(zones.second[at])
            ways = [(int(late.inwards[at]), -float(of_zone[two])), (int(late.outwards[at]), total)]
            self.program.row([(int(flow[at]), 1), *ways], least=0)
            if one >= 0:
                ways = [(int(late.outwards[at]), float(of_zone[one])), (int(late.inwards[at]), -total)]
                self.program.row([(int(flow[at]), 1), *ways], most=0)

    def _limit_flows(self, limits: Sequence[Limit], switch_limit: Numbers, line_limit: Numbers) -> None:
        program = self.program
        for each in limits:
            terms = [(int(self.flow[port]), 1.0) for port in each.ports]
            terms += [(int(self.flow[port]), -1.0) for port in each.back]
            terms += [(int(self.late.fed[zone]), -ampere) for zone, ampere in each.leaving]
            program.row(terms, most=each.limit - each.present)
            if each.limit > 0:
                program.row([*terms, (self.highest, -each.limit)], most=-each.present)
        for at, limit in enumerate(switch_limit):
            if np.isfinite(limit):
                program.row([(self.flow[at], 1)], least=-limit, most=limit)
        total = float(self.demand.at_node.sum() + sum(each[-1] for each in self.demand.second))
        bound = np.flatnonzero(line_limit < total)
        if len(bound):
            ends = [(zones, self.zones.node_at(zones)) for zones in (self.zones.first, self.zones.second)]
        for place in bound:
            for terms in self._line(int(place), ends):
                program.row(terms, least=-line_limit[place], most=line_limit[place])

    def _line(self, place: int, ends: Sequence[tuple[Indices, Indices]]) -> list[list[tuple[int, float]]]:
        """Return what flows in an inner line: the load beyond it, and what leaves there less what comes in.

        A line of a closed ring is taken to carry all that comes into its zone.

        Args:
            place: the line.
            ends: zone and node of each switch at its first end, and at its second.
        """
        zones, forest = self.zones, self.zones.forest
        zone = int(zones.zone[forest.node_at[place]])
        ways = [
            (at, sign, int(node[at]))
            for (of_end, node), sign in zip(ends, (1.0, -1.0), strict=True)
            for at in np.flatnonzero(of_end == zone).tolist()
        ]
        if not forest.is_bridge[place]:
            return [[(int(self.flow[at]), sign)] for at, sign, _ in ways]
        inside = forest.place_of[:-1]
        beyond = (inside >= place) & (inside < forest.end[place])
        terms = [(int(self.late.fed[zone]), float(self.demand.at_node[beyond].sum()))]
        terms += [(int(self.flow[at]), sign) for at, sign, node in ways if beyond[node]]
        for taken, (first, one, second, two, ampere) in zip(self.second, self.demand.second, strict=True):
            if one == zone and beyond[first]:
                terms.append((int(self.late.fed[one]), ampere))
            if two == zone and beyond[second]:
                terms.append((int(taken), ampere))
        return [terms]

    # Voltages -----------------------------------------------------------------------------------------------------

    def hold_voltages(self, levels: Levels, margin: float) -> None:
        """Add the voltages: the square at the root of each zone, joined through the switches that feed; or take a new margin.

        Args:
            levels: the voltages as sums.
            margin: square of a voltage that losses may take, on top of the lowest.
        """
        zones, program, late = self.zones, self.program, self.late
        if self.before_voltages is None:
            self.before_voltages = program.so_far()
            self.root = program.variables(zones.count, most=HIGHEST_SQUARE + SLACK)
            for zone in np.flatnonzero(zones.root >= 0).tolist():
                program.fix(self.root[zone], HIGHEST_SQUARE)
        program.forget(self.before_voltages)
        apart = HIGHEST_SQUARE - min((square for _, square, _ in levels.floors), default=0.0) + SLACK
        for at, (one, two) in enumerate(zip(levels.first, levels.second, strict=True)):
            if one is None or two is None or np.isnan(levels.drop[at]):
                continue
            known = one.known - two.known
            terms = [*self._terms(one, 1.0), *self._terms(two, -1.0), (int(self.flow[at]), -float(levels.drop[at]))]
            ways = [(int(late.inwards[at]), apart), (int(late.outwards[at]), apart)]
            program.row([*terms, *ways], most=apart - known)
            program.row([*terms, *((way, -factor) for way, factor in ways)], least=-apart - known)
        for level, square, present in levels.floors:
            terms = self._terms(level, 1.0)
            if level.zone >= 0 and zones.live[level.zone]:
                program.row(terms, least=min(square + margin, present - SLACK))
            elif level.zone >= 0:
                program.row([*terms, (int(late.fed[level.zone]), -square - margin)], least=0.0)
            else:
                for port, _ in level.flows:
                    program.row([*terms, (int(late.inwards[port]), -margin)], least=square - level.known)
        for choice in self.forbidden:
            self._forbid(choice)

    def _terms(self, level: Level, sign: float) -> list[tuple[int, float]]:
        terms = [(int(self.flow[at]), -sign * factor) for at, factor in level.flows]
        terms += [(int(self.late.fed[zone]), sign * gained) for zone, gained in level.gained]
        if level.zone >= 0:
            terms += [(int(self.root[level.zone]), sign), (int(self.late.fed[level.zone]), -sign * level.load)]
        return terms

    # Goals --------------------------------------------------------------------------------------------------------

    def _operations(
        self, isolating: Sequence[tuple[int, ...]]
    ) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Return the terms that count operations, early and late; a constant is left out."""
        program, zones = self.program, self.zones
        early: list[tuple[int, float]] = []
        late: list[tuple[int, float]] = []
        for at, closed in enumerate(zones.closed):
            sign = -1.0 if closed else 1.0
            if not self.remote[at]:
                late.append((int(self.late.closed[at]), sign))
                continue
            early.append((int(self.early.closed[at]), sign))
            moved = int(program.variables(1)[0])
            program.row([(self.late.closed[at], 1), (self.early.closed[at], -1), (moved, -1)], most=0)
            program.row([(self.early.closed[at], 1), (self.late.closed[at], -1), (moved, -1)], most=0)
            late.append((moved, 1.0))
        for beside in isolating:
            opened = int(program.variables(1)[0])
            for zone in beside:
                program.row([(self.late.fed[zone], 1), (opened, -1)], most=0)
            late.append((opened, 1.0))
        return early, late

    def _gain(self, users: Users, fed: Indices) -> list[tuple[int, float]]:
        terms: list[tuple[int, float]] = []
        for zones, weight in zip(users.zones, users.weight, strict=True):
            if len(zones) == 1:
                terms.append((int(fed[zones[0]]), -float(weight)))
                continue
            supplied = int(self.program.variables(1)[0])
            self.program.row([(supplied, 1), *((fed[zone], -1) for zone in zones)], most=0)
            terms.append((supplied, -float(weight)))
        return terms

    def _goals(self, early_first: bool) -> list[Goal]:
        """Return what is to be made least, one after the other."""
        gains = [Goal(self._gain(users, self.late.fed)) for users in self.users]
        early = Goal(self._gain(self.users[0], self.early.fed))
        operations = self.operations = Goal([*self.moved_early, *self.moved_late])
        on_site = {int(self.late.closed[at]) for at in np.flatnonzero(~self.remote)}
        by_hand = Goal([term for term in self.moved_late if term[0] in on_site])
        then = [early, operations] if early_first else [operations, early]
        if self.early is self.late:
            then = [operations]  # what is fed early is what is fed at all
        moved = [Goal(self._stays())] if self.zones.live.any() else []
        return [*gains, *then, by_hand, *moved, Goal([(self.highest, 1.0)], whole=False)]

    def _stays(self) -> list[tuple[int, float]]:
        """Return the terms that count the load of live zones which are fed as before."""
        zones, late = self.zones, self.late
        feeds, backwards, _ = _fed_by(zones, zones.closed)
        feeds &= zones.live[zones.second]
        load = np.bincount(zones.zone, weights=self.demand.at_node, minlength=zones.count)
        return [
            (
                int((late.outwards if backwards[at] else late.inwards)[at]),
                -max(float(np.round(load[(zones.first if backwards[at] else zones.second)[at]])), 1.0),
            )
            for at in np.flatnonzero(feeds).tolist()
        ]

    # Solutions ----------------------------------------------------------------------------------------------------

    def best(
        self,
        most_nodes: int,
        first_goals_only: bool = False,
        along: SwitchingSolution | None = None,
        near: SwitchingSolution | None = None,
        most_only: bool = False,
    ) -> SwitchingSolution | None:
        """Return the best choice, ``None`` where none was found: no state keeps the limits, or the work ran out.

        Args:
            most_nodes: of the search tree of each goal.
            first_goals_only: leave open how and how soon; only what is fed in the end counts.
            along: feed only by the ways of this choice, as far out as the limits allow: quick, and not always the best.
            near: change at most :data:`NEAR` of the ways of this choice: quick likewise.
            most_only: only what is fed by the chosen measure counts.
        """
        goals = self.goals[:MEASURES] if first_goals_only else self.goals
        is_large = len(self.zones.switch) > SMALL_SWITCHES
        if most_only or (is_large and along is None):
            goals = self.goals[:1]
        barred: Sequence[int] = ()
        if along is not None:
            back = along.backwards
            barred = [*self.late.inwards[~along.feeds | back], *self.late.outwards[~back]]
        kept = self.program.so_far()
        if near is not None:
            self._stay_near(near)
        with self.program.held_at_zero(barred):
            values = self.program.best(goals, most_nodes=most_nodes, only_if_proven=along is None)
        self.program.forget(kept)
        if values is None:
            return None
        choice = SwitchingSolution.of(
            self.zones, self.users, values[self.early.closed] > 0.5, values[self.late.closed] > 0.5
        )
        if along is not None or near is not None:
            return choice
        proven, most = self.program.proven_goals >= 1, -self.program.bound
        if not most_only and (is_large or not proven):
            choice = self.best(most_nodes, first_goals_only, along=choice) or choice
        return replace(choice, proven=proven, most=most)

    def _stay_near(self, choice: SwitchingSolution) -> None:
        """Add that few switches feed another way than in a choice."""
        inwards, outwards = choice.feeds & ~choice.backwards, choice.backwards
        terms = [(int(way), -1.0) for way in (*self.late.inwards[inwards], *self.late.outwards[outwards])]
        terms += [(int(way), 1.0) for way in (*self.late.inwards[~inwards], *self.late.outwards[~outwards])]
        self.program.row(terms, most=NEAR - int(choice.feeds.sum()))

    def at_most(self) -> float:
        """Return what can be fed at most by the chosen measure, as it were by fractions of switches."""
        return -self.program.relaxed(self.goals[0].terms)

    def require(self, gain: int) -> None:
        """Add that so much is fed at least, by the chosen measure."""
        self.program.row(self.goals[0].terms, most=0.5 - gain)

    def forbid(self, choice: SwitchingSolution) -> None:
        """Add that the end is another one than that of a choice, which no order of operations reaches."""
        self.forbidden.append(choice)
        self._forbid(choice)

    def _forbid(self, choice: SwitchingSolution) -> None:
        terms = [(int(self.late.closed[at]), -1.0 if is_closed else 1.0) for at, is_closed in enumerate(choice.late)]
        self.program.row(terms, least=1.0 - float(choice.late.sum()))
