"""Which switches to operate so that most is fed again: an exact search over the zones that lost supply.

Two states are sought at once: *early*, when remote operations are done, and *late*, when those on site are done too. What is fed
early stays fed, and by the same switches. In each state every fed zone has exactly one switch through which power comes in, so it
is radial, and a unit of an imaginary good that each fed zone consumes reaches it from a live node, so no ring feeds itself.
Currents are sums at nominal voltage; they only grow from early to late, so that the late state alone is held to the limits.

Goals come one after the other, each kept exactly for the next: what is fed, by the chosen measure and by the other; how much
of it early; how few operations; how few of them on site; and at last the smallest highest loading, that is the widest margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.isolation import MAKES_LOAD
from repair.restoration.program import Goal, Program
from repair.restoration.voltage import Level, Levels
from repair.restoration.zones import Zones

MEASURES = 2
"""The first goals: what is fed, by the chosen measure and by the other."""

HIGHEST_SQUARE = 1.0
"""No square of a voltage, of nominal, is above that of the sources: loads only take."""

NEAR = 8
"""Ways that may differ where a choice is improved step by step."""

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


@dataclass(frozen=True, eq=False, repr=False)
class Demand(Shown):
    """The load of the zones, in A at nominal voltage.

    Attributes:
        at_node: taken at each node of the zones as soon as it is fed, shape (nodes,).
        second: loads with a supply in two zones: node and zone of the first, node and zone of the second, amperes; it is taken
            at the second while the first is not fed.
    """

    at_node: Numbers
    second: Sequence[tuple[int, int, int, int, float]]


@dataclass(frozen=True)
class Limit:
    """What some ports may bring in together, beside what flows already.

    Attributes:
        ports: switches by number in the zones.
        present: A that flow already.
        limit: A that may flow.
    """

    ports: tuple[int, ...]
    present: float
    limit: float


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Shown):
    """A solution.

    Attributes:
        early, late: whether each switch is closed once remote operations are done, and at the end; shape (switches,).
        feeds: whether power passes each switch at the end, shape (switches,).
        from_zone: the zone from which it comes, -1 for a live node, shape (switches,).
        to_zone: the zone to which it goes, shape (switches,).
        fed_early, fed: whether each zone is fed, shape (zones,).
        gain: what is fed, by the chosen measure and by the other.
        proven: whether the program has none that feeds more.
    """

    early: Mask
    late: Mask
    feeds: Mask
    from_zone: Indices
    to_zone: Indices
    fed_early: Mask
    fed: Mask
    gain: tuple[int, int]
    proven: bool

    @classmethod
    def nothing(cls, zones: Zones) -> Choice:
        """Return the choice to isolate the fault and to feed nobody."""
        none = np.zeros(len(zones.switch), dtype=np.bool_)
        dead = np.zeros(zones.count, dtype=np.bool_)
        return cls(zones.closed, zones.closed, none, zones.first, zones.second, dead, dead, (0, 0), False)


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
    ) -> None:
        self.zones, self.users, self.demand = zones, users, demand
        branches = zones.isolation.network.branches
        self.remote = branches["remote"].gather(zones.switch).fill_null(value=False).to_numpy()
        self.makes = branches["kind"].gather(zones.switch).is_in(MAKES_LOAD).to_numpy()
        self.program = Program()
        self.late = self._state()
        self.early = self.late if self.remote.all() and not len(isolated_late) else self._state()
        self._keep_what_was_fed(isolated_late)
        self._reach_from_a_live_node()
        self.flow, self.second = self._flows()
        self.highest = int(self.program.variables(1)[0])
        self._limit_flows(limits, switch_limit, line_limit)
        self.moved_early, self.moved_late = self._operations()
        self.goals = self._goals(early_first)
        self.before_voltages: tuple[int, int] | None = None

    # The states ---------------------------------------------------------------------------------------------------

    def _state(self) -> _State:
        """Add a radial state: a closed switch with a live end feeds the zone at the other."""
        zones, program = self.zones, self.program
        count = len(zones.switch)
        closed = program.variables(count, integer=True)
        inwards, outwards = program.variables(count, integer=True), program.variables(count, integer=True)
        fed = program.variables(zones.count, integer=True)
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
            program.row([(fed[zone], -1), *((way, 1) for way in ways)], least=0, most=0)
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
        for zone, terms in enumerate(self._balance(good)):
            self.program.row([(late.fed[zone], -1), *terms], least=0, most=0)

    def _carry_only_where_fed(self, flow: Indices, most: float | Numbers) -> None:
        bound = np.broadcast_to(most, len(flow))
        for at in range(len(flow)):
            self.program.row([(flow[at], 1), (self.late.inwards[at], -bound[at])], most=0)
            self.program.row([(flow[at], -1), (self.late.outwards[at], -bound[at])], most=0)

    def _balance(self, flow: Indices) -> list[list[tuple[int, float]]]:
        """Return, for each zone, what flows in less what flows out."""
        terms: list[list[tuple[int, float]]] = [[] for _ in range(self.zones.count)]
        for at in range(len(flow)):
            terms[self.zones.second[at]].append((flow[at], 1.0))
            if self.zones.first[at] >= 0:
                terms[self.zones.first[at]].append((flow[at], -1.0))
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
        for zone in range(zones.count):
            balance[zone].append((late.fed[zone], -of_zone[zone]))
        for taken, (_, one, _, two, ampere) in zip(second, demand.second, strict=True):
            program.row([(late.fed[two], 1), (late.fed[one], -1), (taken, -1)], most=0)
            program.row([(taken, 1), (late.fed[two], -1)], most=0)
            balance[one].append((late.fed[one], -ampere))
            balance[two].append((taken, -ampere))
        for terms in balance:
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
            terms = [(self.flow[port], 1.0) for port in each.ports]
            program.row(terms, most=each.limit - each.present)
            if each.limit > 0:
                program.row([*terms, (self.highest, -each.limit)], most=-each.present)
        for at, limit in enumerate(switch_limit):
            if np.isfinite(limit):
                program.row([(self.flow[at], 1)], least=-limit, most=limit)
        total = float(self.demand.at_node.sum() + sum(each[-1] for each in self.demand.second))
        for place in np.flatnonzero(line_limit < total):
            for terms in self._line(int(place)):
                program.row(terms, least=-line_limit[place], most=line_limit[place])

    def _line(self, place: int) -> list[list[tuple[int, float]]]:
        """Return what flows in an inner line: the load beyond it, and what leaves there less what comes in.

        A line of a closed ring is taken to carry all that comes into its zone.
        """
        zones, forest = self.zones, self.zones.forest
        zone = int(zones.zone[forest.node_at[place]])
        ways = [(at, 1.0) for at in np.flatnonzero(zones.first == zone)]
        ways += [(at, -1.0) for at in np.flatnonzero(zones.second == zone)]
        if not forest.is_bridge[place]:
            return [[(self.flow[at], sign)] for at, sign in ways]
        inside = forest.place_of[:-1]
        beyond = (inside >= place) & (inside < forest.end[place])
        terms = [(int(self.late.fed[zone]), float(self.demand.at_node[beyond].sum()))]
        node = {at: int(zones.node_at(np.full(len(zones.switch), zone))[at]) for at, _ in ways}
        terms += [(int(self.flow[at]), sign) for at, sign in ways if beyond[node[at]]]
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
        program.forget(self.before_voltages)
        apart = HIGHEST_SQUARE - min((square for _, square in levels.floors), default=0.0) + SLACK
        for at, (one, two) in enumerate(zip(levels.first, levels.second, strict=True)):
            if one is None or two is None or np.isnan(levels.drop[at]):
                continue
            known = one.known - two.known
            terms = [*self._terms(one, 1.0), *self._terms(two, -1.0), (int(self.flow[at]), -float(levels.drop[at]))]
            ways = [(int(late.inwards[at]), apart), (int(late.outwards[at]), apart)]
            program.row([*terms, *ways], most=apart - known)
            program.row([*terms, *((way, -factor) for way, factor in ways)], least=-apart - known)
        for level, square in levels.floors:
            terms = self._terms(level, 1.0)
            if level.zone >= 0:
                program.row([*terms, (int(late.fed[level.zone]), -square - margin)], least=0.0)
                continue
            for port, _ in level.flows:
                program.row([*terms, (int(late.inwards[port]), -margin)], least=square - level.known)

    def _terms(self, level: Level, sign: float) -> list[tuple[int, float]]:
        terms = [(int(self.flow[at]), -sign * factor) for at, factor in level.flows]
        if level.zone >= 0:
            terms += [(int(self.root[level.zone]), sign), (int(self.late.fed[level.zone]), -sign * level.load)]
        return terms

    # Goals --------------------------------------------------------------------------------------------------------

    def _operations(self) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
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
        operations = Goal([*self.moved_early, *self.moved_late])
        on_site = {int(self.late.closed[at]) for at in np.flatnonzero(~self.remote)}
        by_hand = Goal([term for term in self.moved_late if term[0] in on_site])
        then = [early, operations] if early_first else [operations, early]
        return [*gains, *then, by_hand, Goal([(self.highest, 1.0)], whole=False)]

    # Solutions ----------------------------------------------------------------------------------------------------

    def best(
        self,
        deadline: float,
        first_goals_only: bool = False,
        along: Choice | None = None,
        near: Choice | None = None,
    ) -> Choice | None:
        """Return the best choice, ``None`` where none was found: no state keeps the limits, or time ran out.

        Args:
            deadline: when the search ends, by ``time.monotonic``.
            first_goals_only: leave open how and how soon; only what is fed in the end counts.
            along: feed only by the ways of this choice, as far out as the limits allow: quick, and not always the best.
            near: change at most :data:`NEAR` of the ways of this choice: quick likewise.
        """
        goals = self.goals[:MEASURES] if first_goals_only else self.goals
        barred: Sequence[int] = ()
        if along is not None:
            back = along.feeds & (along.from_zone == self.zones.second)
            barred = [*self.late.inwards[~along.feeds | back], *self.late.outwards[~back]]
        kept = self.program.so_far()
        if near is not None:
            self._stay_near(near)
        with self.program.held_at_zero(barred):
            values = self.program.best(goals, deadline)
        self.program.forget(kept)
        if values is None:
            return None
        inwards, outwards = values[self.late.inwards] > 0.5, values[self.late.outwards] > 0.5
        return Choice(
            values[self.early.closed] > 0.5,
            values[self.late.closed] > 0.5,
            inwards | outwards,
            np.where(outwards, self.zones.second, self.zones.first),
            np.where(outwards, self.zones.first, self.zones.second),
            values[self.early.fed] > 0.5,
            values[self.late.fed] > 0.5,
            (self._worth(0, values), self._worth(1, values)),
            along is near is None and self.program.proven_goals >= MEASURES,
        )

    def _stay_near(self, choice: Choice) -> None:
        """Add that few switches feed another way than in a choice."""
        inwards = choice.feeds & (choice.to_zone == self.zones.second)
        outwards = choice.feeds & ~inwards
        terms = [(int(way), -1.0) for way in (*self.late.inwards[inwards], *self.late.outwards[outwards])]
        terms += [(int(way), 1.0) for way in (*self.late.inwards[~inwards], *self.late.outwards[~outwards])]
        self.program.row(terms, most=NEAR - int(choice.feeds.sum()))

    def _worth(self, measure: int, values: Numbers) -> int:
        worth = sum(factor * round(values[variable]) for variable, factor in self.goals[measure].terms)
        return -int(worth)
