"""Sections of radial feeders: what sensors, trips and who hangs below them can tell apart, and what another look would tell.

A fault is cleared by the nearest device on its way to the source; every sensor on that way sees it. How probable each section is,
is told by :mod:`repair.location.radial_model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.location.evidence import Sensors, Witnesses, lower_place
from repair.location.feeders import Feeders, sums_of
from repair.settings import LocationSettings


@dataclass(frozen=True, eq=False, repr=False)
class RadialSections(Shown):
    """The sections of feeders without loops, as the signals of one incident part them.

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

    def should_show(self, candidate: int) -> tuple[Mask, Mask]:
        """Return which sensors a fault at a candidate lies beyond, and which can be judged by it; each of shape (sensors,)."""
        place, at = self.candidates[candidate], self.sensors.place
        beyond = (at <= place) & (place < self.feeders.end[at])
        return beyond, ~beyond | (at >= self._topmost[place])

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


def bits_of(share: Numbers) -> Numbers:
    """Return the entropy of yes and no, in bit."""
    yes, no = np.clip(share, 1e-300, 1.0), np.clip(1 - share, 1e-300, 1.0)
    return np.asarray(-(share * np.log2(yes) + (1 - share) * np.log2(no)))
