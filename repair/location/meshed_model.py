"""Fault location where current can reach a fault from more than one side: rings in operation, distributed generation.

Every source feeds the fault. Which way the current flows past a sensor follows from the network as a network of resistances
(length for resistance, all sources equal): for each place of a fault, and for each two, the currents are solved exactly and their
signs are what directed sensors show (field reference 7.3). A part that hangs on one node, without a sensor or a source beyond,
is one section with it: a fault there acts at that node. So the calculation stays as small as the sensors and the rings are many.

Trips and dark transformers: all devices around the zone of a fault clear it, and what hangs on that zone alone is dark. Sensors
are taken to keep their flags. Two faults: what hangs on either zone alone is dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers, components
from network.representation import Shown
from repair.location.evidence import Sensors, Witnesses
from repair.location.feeders import Feeders, sums_of
from repair.settings import LocationSettings

NO_CURRENT = 1e-6
"""A current below this share of the whole fault current is none."""

OF_SOURCE = 1e3
"""Conductance between a source and its node; that of a line is one over its length in km."""

MOST_CANDIDATES = 10_000
"""Branches on each of which a fault is looked at together with one on each other; beyond, parallel ones count as one."""

DEVICE_KM = 1e-3
"""Length that stands for a switching device, and for a line of length zero."""


@dataclass(frozen=True, eq=False, repr=False)
class MeshedModel(Shown):
    """The signals of one incident on feeders with several infeeds or closed rings.

    Attributes:
        feeders: those in question, before the fault.
        sensors: those of the feeders in question, with what they report; signs count along the branch (from, to).
        tripped: branches that tripped, on those feeders.
        witnesses: transformers of which something was heard.
        rules: rates.
    """

    feeders: Feeders
    sensors: Sensors
    tripped: Indices
    witnesses: Witnesses
    rules: LocationSettings

    @cached_property
    def branch(self) -> Indices:
        """The closed branches, any of which may be faulted, in rising order, shape (candidates,)."""
        own = np.concatenate([self.feeders.branch_to, self.feeders.loops])
        return np.sort(own[own >= 0])

    # Currents ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _ends(self) -> tuple[Indices, Indices]:
        """The places of both ends of each candidate, as the branch is given (from, to)."""
        net = self.feeders.supply.network
        return self._place(net.from_node[self.branch]), self._place(net.to_node[self.branch])

    def _place(self, nodes: Indices) -> Indices:
        return self.feeders.place(self.feeders.supply.place_of[nodes])

    @cached_property
    def _sources(self) -> Indices:
        """The places of the sources."""
        place = self._place(self.feeders.supply.network.source_node)
        return place[place >= 0]

    def _joined(self, chosen: Mask) -> Indices:
        """Return which part each place belongs to when only the chosen candidates conduct, shape (places,)."""
        tail, head = (end[chosen] for end in self._ends)
        return components(len(self.feeders.end), tail, head)

    @cached_property
    def _kept(self) -> Mask:
        """Which candidates stay branches of the calculation: those between sources or in a ring, with a sensor or a trip."""
        forest, place_of = self.feeders.supply.forest, self.feeders.supply.place_of
        net = self.feeders.supply.network
        lower = np.maximum(place_of[net.from_node[self.branch]], place_of[net.to_node[self.branch]])
        alone = (forest.branch_to[lower] == self.branch) & forest.is_bridge[lower]
        return np.asarray(~alone | np.isin(self.branch, self.sensors.branch) | np.isin(self.branch, self.tripped))

    @cached_property
    def _region(self) -> Indices:
        """The region of each place: what branches that are not kept join, shape (places,)."""
        return self._joined(~self._kept)

    @cached_property
    def _regions(self) -> int:
        return int(self._region.max()) + 1

    @cached_property
    def point(self) -> Indices:
        """Where each candidate's fault strikes: its region, or the middle of a kept branch; shape (candidates,)."""
        point = self._region[self._ends[0]]
        point[self._kept] = self._regions + np.arange(self._kept.sum())
        return point

    @cached_property
    def _spread(self) -> Numbers:
        """How a current drawn in one region lowers all others, shape (regions, regions): the inverse of their conductances."""
        matrix = np.zeros((self._regions, self._regions))
        whole = self._conductance(self.branch[self._kept]) / 2
        tail, head = (self._region[end[self._kept]] for end in self._ends)
        for one, other, sign in ((tail, tail, 1), (head, head, 1), (tail, head, -1), (head, tail, -1)):
            np.add.at(matrix, (one, other), sign * whole)
        fed = self._region[self._sources]
        np.add.at(matrix, (fed, fed), OF_SOURCE)
        matrix[self._region[0], self._region[0]] += 1.0  # the root's own place, which nothing joins
        return np.asarray(np.linalg.inv(matrix), dtype=np.float64)

    @cached_property
    def _around(self) -> Indices:
        """The regions at both ends of each point; of a region itself twice; shape (2, points)."""
        itself = np.arange(self._regions)
        return np.stack([np.append(itself, self._region[end[self._kept]]) for end in self._ends])

    @cached_property
    def _own(self) -> Numbers:
        """How a current drawn at each point lowers that point, shape (points,).

        The middle of a branch lies between its ends, by half of the branch: what it takes comes from both in equal parts.
        """
        one, other = self._around
        spread = self._spread
        between = (spread[one, one] + spread[other, other] + spread[one, other] + spread[other, one]) / 4
        half = 1 / (2 * self._conductance(self.branch[self._kept]))
        return np.asarray(between + np.append(np.zeros(self._regions), half))

    def _lowered(self, region: Indices) -> Numbers:
        """Return how a current drawn at each point lowers some regions, shape (these, points)."""
        one, other = self._around
        rows = self._spread[region]
        return np.asarray((rows[:, one] + rows[:, other]) / 2)

    def _conductance(self, branches: Indices) -> Numbers:
        """Return the conductance of half of each branch."""
        length = self.feeders.supply.network.branches["length_km"].gather(branches)
        return 2 / length.fill_null(DEVICE_KM).clip(DEVICE_KM).to_numpy()

    def _lowered_by(self, point: int) -> Numbers:
        """Return how a current drawn at one point lowers each, shape (points,)."""
        found = self._lowered(self._around[:, point]).mean(axis=0)
        found[point] = self._own[point]
        return np.asarray(found)

    def _drops(self, branches: Indices) -> Numbers:
        """Return the current past the source-side end of branches, along (from, to), per unit drawn at each point."""
        which = np.searchsorted(self.branch, branches)
        middle = self._regions + np.searchsorted(self.branch[self._kept], branches)
        tail, head = (end[which] for end in self._ends)
        outwards = tail <= head
        near, far = (self._region[np.where(outwards, *ends)] for ends in ((tail, head), (head, tail)))
        conductance = self._conductance(branches)
        current = (self._lowered(far) - self._lowered(near)) / 2 * conductance[:, None]
        current[np.arange(len(branches)), middle] += 0.5  # drawn in its own middle, which each end gives half of
        return np.asarray(current * np.where(outwards, 1.0, -1.0)[:, None])

    def _signs(self, branches: Indices, one: Indices) -> Numbers:
        """Return the sign of the current past branches for a fault at each point, shape (branches, points)."""
        own = self._own[one]
        return _sign(self._drops(branches)[:, one] / own, 1 / own)

    # One fault --------------------------------------------------------------------------------------------------------

    @cached_property
    def _shown(self) -> Numbers:
        """What each sensor shows for a fault at each candidate, shape (sensors, candidates)."""
        return self._signs(self.sensors.branch, self.point)

    @cached_property
    def _zones(self) -> tuple[Indices, Indices]:
        """The zone of each place between devices that clear faults, and of each candidate."""
        clears = self.feeders.supply.network.protective[self.branch] | np.isin(self.branch, self.tripped)
        zone = self._joined(~clears)
        return zone, zone[np.maximum(*self._ends)]

    @cached_property
    def _trip_rates(self) -> Numbers:
        """P(the device trips | the fault), for every tripped device and candidate, shape (tripped, candidates)."""
        zone, of_candidate = self._zones
        which = np.searchsorted(self.branch, self.tripped)
        ends = np.stack([zone[end[which]] for end in self._ends])
        around = (ends[:, :, None] == of_candidate).any(axis=0)
        passes = self._signs(self.tripped, self.point) != 0
        rates = np.where(passes, self.rules.overreach_rate, self.rules.trip_false_rate)
        return np.where(around, 1 - self.rules.trip_miss_rate, rates)

    @cached_property
    def _darkened(self) -> Mask:
        """Whether each witness is dark for a fault at each candidate, shape (witnesses, candidates)."""
        _, of_candidate = self._zones
        zones, which = np.unique(of_candidate, return_inverse=True)
        dead = np.stack([self._witnesses_dead(self._dead_without(int(zone))) for zone in zones], axis=1)
        return dead[:, which]

    def _dead_without(self, lost_zone: int) -> Mask:
        """Return which places have no supply when one zone is cut out, or, for -1, when all devices that tripped are open."""
        zone, _ = self._zones
        lost = zone == lost_zone
        conducts = ~np.isin(self.branch, self.tripped) if lost_zone < 0 else np.ones(len(self.branch), dtype=np.bool_)
        part = self._joined(conducts & ~(lost[self._ends[0]] | lost[self._ends[1]]))
        return np.asarray(lost | ~np.isin(part, part[self._sources[~lost[self._sources]]]))

    def _witnesses_dead(self, dead: Mask) -> Mask:
        """Return which witnesses are dark where those places are dead."""
        net, who = self.feeders.supply.network, self.witnesses.transformer
        live = np.append(~dead, False)
        first, second = (self._place(nodes[who]) for nodes in (net.transformer_node, net.transformer_second_node))
        return np.asarray(~(live[first] | live[second]))

    @cached_property
    def _explained(self) -> Mask:
        """Whether the devices that tripped darken each witness anyway, shape (witnesses,)."""
        return self._witnesses_dead(self._dead_without(-1))

    @cached_property
    def log_likelihood(self) -> Numbers:
        """Return log P(signals | a fault there) up to a constant, shape (candidates,)."""
        return self._flags(self._shown) + self._evidence(self._trip_rates, self._darkened)

    def _flags(self, shown: Numbers) -> Numbers:
        """Return log P(flags | what sensors show); misses leave the sign to the rest, a false sign is as rare as a false flag."""
        at = self.sensors
        report, miss, false = (each[:, None] for each in (at.report, at.miss, at.false))
        at_fault = np.where(report == 0, miss, (1 - miss) * np.where(report == shown, 1 - false, false))
        elsewhere = np.where(report == 0, 1 - false, false / 2)
        rates = np.where(np.isnan(report), 1.0, np.where(shown == 0, elsewhere, at_fault))
        sums: Numbers = np.log(rates).sum(axis=0)
        return sums

    def _evidence(self, trip_rates: Numbers, darkened: Mask) -> Numbers:
        weight = np.where(self._explained, 0.0, self.witnesses.weight)
        sums: Numbers = np.log(trip_rates).sum(axis=0) + weight @ darkened
        return sums

    # Sections ---------------------------------------------------------------------------------------------------------

    @cached_property
    def section(self) -> Indices:
        """The section of each candidate: equal currents past every sensor, equal trips, equal witnesses; shape (candidates,)."""
        told = [self._shown, self._trip_rates, self._darkened[~self._explained].astype(np.float64)]
        _, section = np.unique(np.concatenate(told), axis=1, return_inverse=True)
        _, first = np.unique(section, return_index=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        return rank[section.ravel()]

    @cached_property
    def separate(self) -> Mask:
        """Whether two sections differ; shape (sections, sections)."""
        return ~np.eye(int(self.section.max()) + 1, dtype=np.bool_)

    def borders(self) -> list[Indices]:
        """Return, for each section, the branches with a sensor or a trip that touch it."""
        tells = np.isin(self.branch, self.sensors.branch) | np.isin(self.branch, self.tripped)
        found = []
        for section in range(int(self.section.max()) + 1):
            inside = np.zeros(len(self.feeders.end), dtype=np.bool_)
            for end in self._ends:
                inside[end[self.section == section]] = True
            found.append(self.branch[tells & (inside[self._ends[0]] | inside[self._ends[1]])])
        return found

    def should_show(self, candidate: int) -> tuple[Mask, Mask]:
        """Return which sensors show a fault at a candidate, and which can be judged by it; each of shape (sensors,)."""
        beyond = self._shown[:, candidate] != 0
        return beyond, np.ones(len(beyond), dtype=np.bool_)

    def gains(self, probability: Numbers) -> Numbers:
        """Return how many bits another reading of each sensor would tell about the section, shape (sensors,)."""
        _, first = np.unique(self.section, return_index=True)
        shown, at = self._shown[:, first], self.sensors
        miss, false = at.miss[:, None], at.false[:, None]
        rates = []
        for report in (1, 0, -1):
            right = np.where(shown == report, 1 - false, false)
            rates.append(
                np.where(shown == 0, 1 - false, miss)
                if report == 0
                else np.where(shown == 0, false / 2, (1 - miss) * right)
            )
        given = np.stack(rates)
        return _bits(given @ probability) - _bits(given) @ probability

    def dark(self, posterior: Numbers) -> Numbers:
        """Return how probable it is that each place is dark, given the posterior of the candidates; shape (places,)."""
        _, of_candidate = self._zones
        zones, which = np.unique(of_candidate, return_inverse=True)
        mass = sums_of(which, posterior, len(zones))
        dark = np.zeros(len(self.feeders.end))
        for zone, share in zip(zones, mass, strict=True):
            dark += share * self._dead_without(int(zone))
        return np.where(self._dead_without(-1), 1.0, np.minimum(dark, 1.0))

    # Two faults -------------------------------------------------------------------------------------------------------

    @property
    def log_nothing(self) -> float:
        """Log P(signals | no fault at all): an event is taken for granted here."""
        return -np.inf

    @property
    def scale(self) -> float:
        """The greatest log-likelihood of one fault; likelihoods are given relative to it."""
        return float(self.log_likelihood.max())

    def seen_of_hidden(self, pairs: Numbers) -> Numbers:
        """Return, for each section, the sum of the pairs of which it is the one that is seen: twice itself."""
        return np.diag(pairs).copy()

    def pairs(self, prior: Numbers) -> Numbers:
        """Return the sum of P(signals | faults at a and b) x prior of a x prior of b, as ``RadialModel.pairs`` does."""
        places = np.stack([self.section, self.point])
        if len(self.branch) > MOST_CANDIDATES:
            places = np.stack([self.section, *np.sort(self._around[:, self.point], axis=0)])
        _, first, cell = np.unique(places, axis=1, return_index=True, return_inverse=True)
        weight = sums_of(cell.ravel(), prior, len(first))
        section = self.section[first]
        joint = np.zeros((len(first), int(self.section.max()) + 1))
        for row, candidate in enumerate(first):
            shown, trips, darkened = self._two(int(candidate), first)
            likely = np.exp(self._flags(shown) + self._evidence(trips, darkened) - self.scale)
            joint[row] = sums_of(section, likely * weight * weight[row], joint.shape[1])
        sums = np.zeros((joint.shape[1], joint.shape[1]))
        np.add.at(sums, section, joint)
        return sums

    def _two(self, one: int, others: Indices) -> tuple[Numbers, Numbers, Mask]:
        """Return what sensors show, trip rates and darkened witnesses for a fault at ``one`` and at each of ``others``."""
        first, second = int(self.point[one]), self.point[others]
        own, mutual, other = self._own[first], self._lowered_by(first)[second], self._own[second]
        determinant = own * other - mutual**2
        same = second == first
        determinant[same] = 1.0
        into_first = np.where(same, 1 / own, (other - mutual) / determinant)
        into_second = np.where(same, 0.0, (own - mutual) / determinant)
        drops = self._drops(self.sensors.branch)
        current = drops[:, [first]] * into_first + drops[:, second] * into_second
        shown = _sign(current, into_first + into_second)
        trips = np.maximum(self._trip_rates[:, [one]], self._trip_rates[:, others])
        return shown, trips, self._darkened[:, [one]] | self._darkened[:, others]

    # What contradicts an explanation ----------------------------------------------------------------------------------

    def contradictions(self, sections: Sequence[int]) -> list[tuple[str, int, str]]:
        """Return the signals that must be wrong; see :meth:`repair.location.radial_model.RadialModel.contradictions`."""
        best = []
        for section in sections:
            members = np.flatnonzero(self.section == section)
            best.append(int(members[np.argmax(self.log_likelihood[members])]))
        shown, trips, darkened = self._two(best[0], np.array(best[-1:]))
        at, who = self.sensors, self.witnesses
        odd_flags = np.flatnonzero(~np.isnan(at.report) & (at.report != shown[:, 0]))
        wrong = [("fault_current", int(at.branch[i]), "missing" if at.report[i] == 0 else "false") for i in odd_flags]
        wrong += [
            ("trip", int(self.tripped[i]), "false") for i in np.flatnonzero(trips[:, 0] <= self.rules.trip_false_rate)
        ]
        odd = ~self._explained & (darkened[:, 0] != (who.weight > 0))
        return wrong + [(who.kind[i], int(who.transformer[i]), "false") for i in np.flatnonzero(odd)]


def _sign(current: Numbers, whole: Numbers) -> Numbers:
    """Return the signs of currents, 0 where they are next to nothing beside the whole current of the fault."""
    return np.where(np.abs(current) > NO_CURRENT * whole, np.sign(current), 0.0)


def _bits(rates: Numbers) -> Numbers:
    """Return the entropy of distributions along the first axis."""
    inside = np.clip(rates, 1e-300, 1.0)
    bits: Numbers = -(inside * np.log2(inside)).sum(axis=0)
    return bits
