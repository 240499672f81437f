"""Fault location on radial feeders: the likelihood of the signals for one fault and for two, exactly.

The model. A fault is cleared by the nearest device on its way to the source. Every sensor on that way sees it; but sensors above
the clearing device lose their flag again where the fleet works so (one unknown for all of them, ``upstream_flag_rate``). What
hangs on the clearing device goes dark. A device that reports a trip has cleared a fault, or tripped as well for a fault beyond
a nearer one (``overreach_rate``), or tripped for nothing. Everything below a device that is known to have tripped is dark anyway.
Two faults show what either of them would show.

Then the log-likelihood of a fault is a **sum along its path** (flags) plus a **sum below** its clearing device (dark and live
transformers). For two faults the sum runs along the union of both paths: both sums less the one up to where they meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.location.evidence import Sensors, Witnesses, lower_place
from repair.location.feeders import Feeders, sums_of
from repair.settings import LocationSettings


@dataclass(frozen=True, eq=False, repr=False)
class Radial(Shown):
    """The signals of one incident on feeders without loops.

    Attributes:
        feeders: those in question, before the fault.
        sensors: those of the feeders in question, with what they report.
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
    def candidates(self) -> Indices:
        """The places whose branch may be faulted, in rising order, shape (candidates,)."""
        return np.flatnonzero(self.feeders.branch_to >= 0)

    @property
    def branch(self) -> Indices:
        """The branches that may be faulted, shape (candidates,)."""
        return self.feeders.branch_to[self.candidates]

    # What clears a fault, and what it darkens -----------------------------------------------------------------------

    @cached_property
    def trip_place(self) -> Indices:
        """The place below each device that tripped, in rising order."""
        return np.sort(self.feeders.place(lower_place(self.feeders.supply, self.tripped)))

    @cached_property
    def clearing(self) -> Indices:
        """The place of the device that clears a fault at each place; its source's where there is none; shape (places,)."""
        clears = np.append(self.feeders.supply.network.protective, False)[self.feeders.branch_to]
        clears[self.trip_place] = True
        return self.feeders.nearest_above(clears)

    @cached_property
    def _topmost(self) -> Indices:
        """The place from which sensors surely keep their flags, for a fault at each place: the first device that tripped."""
        tripped = np.zeros(len(self.feeders.end), dtype=np.int64)
        tripped[self.trip_place] = 1
        first = (tripped > 0) & (self.feeders.sum_along_path(tripped) == 1)
        above = self.feeders.nearest_above(first)
        return np.where(first[above], above, self.clearing)

    @cached_property
    def _witness_place(self) -> Indices:
        """The place each witness hangs on, -1 where it is dead or elsewhere, shape (witnesses,)."""
        return self.feeders.place(self.feeders.supply.transformer_place[self.witnesses.transformer])

    @cached_property
    def _explained(self) -> Mask:
        """Whether a device that is known to have tripped darkens each place anyway, shape (places,)."""
        explained = np.zeros(len(self.feeders.end), dtype=np.bool_)
        for trip in self.trip_place:
            explained[trip : self.feeders.end[trip]] = True
        return explained

    @cached_property
    def _dark(self) -> Numbers:
        """What witnesses say for each place being the clearing device, shape (places,)."""
        place = self._witness_place
        use = (place >= 0) & ~self._explained[place]
        return self.feeders.sum_below(self.feeders.gather(place[use], self.witnesses.weight[use]))

    @cached_property
    def _heard_below(self) -> Mask:
        """Whether any witness hangs below each place, shape (places,)."""
        place = self._witness_place
        heard = self.feeders.gather(place[place >= 0], np.ones((place >= 0).sum()))
        return np.asarray(self.feeders.sum_below(heard) > 0)

    # Flags ----------------------------------------------------------------------------------------------------------

    @cached_property
    def seen(self) -> Numbers:
        """What each sensor says: 1 seen, 0 not seen; current towards the source is not a sighting; shape (sensors,)."""
        at, net = self.sensors, self.feeders.supply.network
        inwards = self.feeders.node[at.place] == net.from_node[at.branch]
        return np.where(at.report < 0, np.where(inwards, 1.0, 0.0), at.report)

    @cached_property
    def _flags(self) -> Numbers:
        """The sum along the path of what sensors say for a fault beyond them, shape (places,)."""
        at = self.sensors
        weight = np.where(self.seen > 0, np.log((1 - at.miss) / at.false), np.log(at.miss / (1 - at.false)))
        own = np.where(np.isnan(self.seen), 0.0, weight)
        return self.feeders.sum_along_path(self.feeders.gather(at.place, own))

    # One fault ------------------------------------------------------------------------------------------------------

    def _trip_rates(self, cleared_at: Indices, inside: Indices) -> Numbers:
        """Return P(the device trips | the fault), for every tripped device and fault, shape (tripped, faults)."""
        trip = self.trip_place[:, None]
        above = (trip <= inside) & (inside < self.feeders.end[trip])
        rates = np.where(above, self.rules.overreach_rate, self.rules.trip_false_rate)
        return np.where(trip == cleared_at, 1 - self.rules.trip_miss_rate, rates)

    @cached_property
    def log_likelihood(self) -> Numbers:
        """Return log P(signals | a fault there) up to a constant, shape (candidates,)."""
        place = self.candidates
        cleared, top = self.clearing[place], self._topmost[place]
        trips = np.log(self._trip_rates(cleared, place)).sum(axis=0)
        flags = self._flags[place]
        kept = _mixture(self.rules.upstream_flag_rate, flags, flags - self._flags[self.feeders.parent[top]])
        likelihood: Numbers = trips + self._dark[cleared] + kept
        return likelihood

    # Sections -------------------------------------------------------------------------------------------------------

    @cached_property
    def marks(self) -> Indices:
        """Places where something tells one side from the other: a sensor, a trip, a clearing device with witnesses below it."""
        clears = np.unique(self.clearing[self.candidates])
        clears = clears[self._heard_below[clears] & (self.feeders.branch_to[clears] >= 0)]
        return np.unique(np.concatenate([self.sensors.place, self.trip_place, clears]))

    @cached_property
    def head(self) -> Indices:
        """The place that opens each section, in rising order: a mark, or a source; shape (sections,)."""
        return np.unique(self._owner)

    @property
    def _owner(self) -> Indices:
        return self._owner_of(self.candidates)

    def _owner_of(self, places: Indices) -> Indices:
        return self._marks_above[places]

    @cached_property
    def _marks_above(self) -> Indices:
        """The nearest mark at or above each place, else its source, shape (places,)."""
        marked = np.zeros(len(self.feeders.end), dtype=np.bool_)
        marked[self.marks] = True
        return self.feeders.nearest_above(marked)

    @cached_property
    def section(self) -> Indices:
        """The section of each candidate, shape (candidates,)."""
        return np.searchsorted(self.head, self._owner)

    def borders(self) -> list[Indices]:
        """Return, for each section, the branches at its borders: the one that opens it, and the next marks beyond."""
        opens = np.flatnonzero(np.isin(self.head, self.marks))
        inner = np.searchsorted(self.head, self._owner_of(self.feeders.parent[self.marks]))
        known = (self.feeders.parent[self.marks] > 0) & (inner < len(self.head))
        known[known] = self.head[inner[known]] == self._owner_of(self.feeders.parent[self.marks[known]])
        section = np.concatenate([opens, inner[known]])
        branch = self.feeders.branch_to[np.concatenate([self.head[opens], self.marks[known]])]
        order = np.argsort(section, kind="stable")
        return np.split(branch[order], np.cumsum(np.bincount(section, minlength=len(self.head)))[:-1])

    @cached_property
    def beyond(self) -> Mask:
        """Whether each section lies beyond each sensor, shape (sensors, sections)."""
        place = self.sensors.place[:, None]
        return (place <= self.head) & (self.head < self.feeders.end[place])

    # What would tell more -----------------------------------------------------------------------------------------------

    def gains(self, probability: Numbers) -> Numbers:
        """Return how many bits another reading of each sensor would tell about the section, shape (sensors,)."""
        at, beyond = self.sensors, self.beyond @ probability
        seen = beyond * (1 - at.miss) + (1 - beyond) * at.false
        return bits_of(seen) - beyond * bits_of(at.miss) - (1 - beyond) * bits_of(at.false)

    def dark(self, posterior: Numbers) -> Numbers:
        """Return how probable it is that each place is dark, given the posterior of the candidates; shape (places,)."""
        mass = self.feeders.gather(self.clearing[self.candidates], posterior)
        return np.where(self._explained, 1.0, self.feeders.sum_along_path(mass))

    def should_show(self, candidate: int) -> tuple[Mask, Mask]:
        """Return which sensors a fault at a candidate lies beyond, and which can be judged by it; each of shape (sensors,)."""
        place, at = self.candidates[candidate], self.sensors.place
        beyond = (at <= place) & (place < self.feeders.end[at])
        return beyond, ~beyond | (at >= self._topmost[place])

    # What contradicts an explanation ----------------------------------------------------------------------------------

    def contradictions(self, sections: Sequence[int]) -> list[tuple[str, int, str]]:
        """Return the signals that must be wrong if the fault lies in one section, or faults in each of several.

        Returns:
            Kind of signal, index of its branch or transformer, and ``missing`` or ``false``.
        """
        best = [self._best_candidate(section) for section in sections]
        place = self.candidates[best]
        return [*self._wrong_flags(sections, place), *self._wrong_trips(place), *self._wrong_witnesses(place)]

    def _best_candidate(self, section: int) -> int:
        members = np.flatnonzero(self.section == section)
        return int(members[np.argmax(self.log_likelihood[members])])

    def _wrong_flags(self, sections: Sequence[int], place: Indices) -> list[tuple[str, int, str]]:
        at, top = self.sensors, self._topmost[place]
        kept = self.beyond[:, list(sections)]
        cleared = kept & (at.place[:, None] >= top)
        wrong = [
            np.where(shows.any(axis=1), np.where(self.seen == 0, 1, 0), np.where(self.seen > 0, -1, 0))
            for shows in (kept, cleared)
        ]
        cost = np.where(self.seen > 0, np.log((1 - at.miss) / at.false), np.log((1 - at.false) / at.miss))
        share = self.rules.upstream_flag_rate
        costs = [
            (np.abs(each) * cost).sum() - np.log(max(p, 1e-300))
            for each, p in zip(wrong, (share, 1 - share), strict=True)
        ]
        chosen = wrong[int(np.argmin(costs))]
        return [
            ("fault_current", int(at.branch[i]), "missing" if chosen[i] > 0 else "false")
            for i in np.flatnonzero(chosen)
        ]

    def _wrong_trips(self, place: Indices) -> list[tuple[str, int, str]]:
        trip = self.trip_place[:, None]
        needless = ~((trip <= place) & (place < self.feeders.end[trip])).any(axis=1)
        return [("trip", int(self.feeders.branch_to[each]), "false") for each in self.trip_place[needless]]

    def _wrong_witnesses(self, place: Indices) -> list[tuple[str, int, str]]:
        who, cleared, end = self.witnesses, self.clearing[place], self.feeders.end
        at = self._witness_place
        dark = ((cleared[:, None] <= at) & (at < end[cleared][:, None])).any(axis=0)
        wrong = (at >= 0) & ~self._explained[at] & (dark != (who.weight > 0))
        return [(who.kind[i], int(who.transformer[i]), "false") for i in np.flatnonzero(wrong)]

    # Two faults -----------------------------------------------------------------------------------------------------

    @cached_property
    def _meeting(self) -> Indices:
        """The section in which the ways of two sections meet, -1 for different sources, shape (sections, sections)."""
        head, end = self.head, self.feeders.end
        last = np.searchsorted(head, end[head])
        meeting = np.full((len(head), len(head)), -1, dtype=np.int64)
        open_sections: list[int] = []
        for i in range(len(head)):
            while open_sections and last[open_sections[-1]] <= i:
                open_sections.pop()
            if open_sections:
                meeting[i] = meeting[open_sections[-1]]
            meeting[i, i : last[i]] = i
            open_sections.append(i)
        return meeting

    @cached_property
    def separate(self) -> Mask:
        """Whether two sections lie on different ways, so that a fault in each can be seen; shape (sections, sections)."""
        index = np.arange(len(self.head))
        return np.asarray((self._meeting != index[:, None]) & (self._meeting != index[None, :]))

    def seen_of_hidden(self, pairs: Numbers) -> Numbers:
        """Return, for each section, the sum of the pairs of which it is the one that is seen: the one further out."""
        index = np.arange(len(self.head))
        return sums_of(np.maximum.outer(index, index).ravel(), pairs.ravel(), len(index))

    def pairs(self, prior: Numbers) -> Numbers:
        """Return the sum of P(signals | faults at a and b) x prior of a x prior of b, up to a constant.

        Args:
            prior: of each candidate, shape (candidates,).

        Returns:
            Over the candidates a of one section and b of another, times exp(-:attr:`scale`); shape (sections, sections).
        """
        place = self.candidates
        cleared, top = self.clearing[place], self._topmost[place]
        tells = self._heard_below[cleared] | np.isin(cleared, self.trip_place)
        above = self.feeders.parent[top]
        size = len(self.feeders.end)
        key = (self.section * size + np.where(tells, cleared, 0)) * size + self._flags_owner(above)
        _, first, cell = np.unique(key, return_index=True, return_inverse=True)
        weight = sums_of(cell, prior, len(first))
        joint = np.exp(self._pair_log_likelihood(first) - self.scale) * weight * weight[:, None]
        starts = np.searchsorted(self.section[first], np.arange(len(self.head)))
        sums: Numbers = np.add.reduceat(np.add.reduceat(joint, starts, axis=0), starts, axis=1)
        return sums

    @property
    def log_nothing(self) -> float:
        """Log P(signals | no fault at all): an event is taken for granted here."""
        return -np.inf

    @property
    def scale(self) -> float:
        """The greatest log-likelihood of one fault; likelihoods are given relative to it."""
        return float(self.log_likelihood.max())

    def _flags_owner(self, places: Indices) -> Indices:
        """Return the nearest sensor or source above each place: places with the same one share their sum of flags."""
        marked = np.zeros(len(self.feeders.end), dtype=np.bool_)
        marked[self.sensors.place] = True
        return self.feeders.nearest_above(marked)[places]

    def _pair_log_likelihood(self, chosen: Indices) -> Numbers:
        place, section = self.candidates[chosen], self.section[chosen]
        cleared, top = self.clearing[place], self._topmost[place]
        rates = self._trip_rates(cleared, place)
        result = np.zeros((len(place), len(place)))
        for of_trip in np.log(rates):
            result += np.maximum.outer(of_trip, of_trip)
        result += self._dark_of_pairs(cleared)

        meeting = self._meeting[np.ix_(section, section)]
        flags = self._flags[place]
        at_meeting = np.append(self._flags[self.head], 0.0)[meeting]
        kept = flags[:, None] + flags - at_meeting
        before = self._flags[self.feeders.parent[top]]
        if not before.any():
            return np.asarray(result + kept)
        lower = np.maximum.outer(top, top)
        met = np.append(self.head, -1)[meeting]
        nested = (top[:, None] <= lower) & (lower < self.feeders.end[top][:, None])
        nested &= nested.T & (lower <= met) & (met < self.feeders.end[lower])
        common = np.where(nested, at_meeting - self._flags[self.feeders.parent[lower]], 0.0)
        own = flags - before
        return np.asarray(result + _mixture(self.rules.upstream_flag_rate, kept, own[:, None] + own - common))

    def _dark_of_pairs(self, cleared: Indices) -> Numbers:
        dark, end = self._dark[cleared], self.feeders.end[cleared]
        holds = (cleared[:, None] <= cleared) & (cleared < end[:, None])
        return np.where(holds, dark[:, None], np.where(holds.T, dark, dark[:, None] + dark))


def bits_of(share: Numbers) -> Numbers:
    """Return the entropy of yes and no, in bit."""
    yes, no = np.clip(share, 1e-300, 1.0), np.clip(1 - share, 1e-300, 1.0)
    return np.asarray(-(share * np.log2(yes) + (1 - share) * np.log2(no)))


def _mixture(share: float, first: Numbers, second: Numbers) -> Numbers:
    """Return log(share e^first + (1 - share) e^second)."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp(np.log(share) + first, np.log1p(-share) + second))
