"""Jobs and crews as numbers: what each visit takes and gives back, and the expected travel between them.

The place of a fault is uncertain, but times add up, so the expected time of a whole route is a sum of expected times: a crew
walks the stops of a job in an order chosen beforehand, finds the fault at each with its probability, and leaves from there.
Every order of stops with the least expected time after its first stop is a *visit* of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from network.arrays import Numbers
from repair.desk.crews.travel import Travel
from repair.desk.crews.work import Crew, Job

MOST_STOPS = 5
"""Stops of one job that are weighed; the orders of more would be too many to try."""

WHOLE, SWITCH, REPAIR = 0, 1, 2
"""Parts of a job: all of it at once, only finding and switching, or only the repair once it is switched."""


@dataclass(frozen=True, eq=False)
class Visits:
    """Every visit that a route may hold.

    Visits are numbered; a route is a list of their numbers. Exits are numbered by job, crews after them; entries likewise by
    place, with the last one standing for the end of a route.

    Attributes:
        jobs: the jobs.
        crews: the crews.
        job: job of each visit.
        part: :data:`WHOLE`, :data:`SWITCH` or :data:`REPAIR`.
        order: stops in the order in which a visit looks at them; empty for a repair.
        entry: column of :attr:`legs` by which each visit is reached.
        weight: customers who wait until the visit gives power back, or its parts.
        fixed: customer-minutes of the visit beyond ``weight`` times its arrival.
        service: expected minutes from arrival until the crew leaves.
        legs: expected minutes of travel from an exit to an entry, shape (jobs + crews, entries + 1).
        wholes: visits of each job at once, one for each first stop.
        switches: visits of each job that only find and switch, in the same order; empty where nobody gains.
        repairs: the visit of each job that only repairs, -1 where it is not parted.
        may: whether a crew may be sent to a job, shape (crews, jobs).
        locked: for each crew the job that it is under way to, -1 for none.
    """

    jobs: tuple[Job, ...]
    crews: tuple[Crew, ...]
    job: list[int]
    part: list[int]
    order: list[tuple[int, ...]]
    entry: list[int]
    weight: list[float]
    fixed: list[float]
    service: list[float]
    legs: Numbers
    wholes: tuple[tuple[int, ...], ...]
    switches: tuple[tuple[int, ...], ...]
    repairs: tuple[int, ...]
    may: np.ndarray
    locked: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "leg_rows", self.legs.tolist())
        object.__setattr__(self, "free", [crew.free_min for crew in self.crews])
        object.__setattr__(self, "until", [crew.until_min for crew in self.crews])

    leg_rows: list[list[float]] = None  # type: ignore[assignment]
    free: list[float] = None  # type: ignore[assignment]
    until: list[float] = None  # type: ignore[assignment]

    def arrivals(self, crew: int, route: Sequence[int]) -> list[float]:
        """Return the expected minutes from now at which each visit of a route begins."""
        time, row, found = self.free[crew], self.leg_rows[len(self.jobs) + crew], []
        last = -1
        for visit in route:
            job = self.job[visit]
            if not (self.part[visit] == REPAIR and job == last):  # it is there already
                time += row[self.entry[visit]]
            found.append(time)
            time += self.service[visit]
            row, last = self.leg_rows[job], job
        return found

    def cost(self, crew: int, route: Sequence[int]) -> float:
        """Return the expected customer-minutes without power of all jobs of a route, counted from now."""
        total, late = 0.0, self.until[crew]
        for visit, time in zip(route, self.arrivals(crew, route), strict=True):
            total += self.weight[visit] * time + self.fixed[visit]
            if time > late:
                total += LATE * (1.0 + self.weight[visit]) * (time - late + 60.0)
        return total

    def total(self, routes: Sequence[Sequence[int]]) -> float:
        """Return the expected customer-minutes without power of all routes."""
        return sum(self.cost(crew, route) for crew, route in enumerate(routes))


LATE = 20.0
"""Work that would begin after the shift counts so many times; it is struck from the plan at the end."""


def visits_of(jobs: Sequence[Job], crews: Sequence[Crew], travel: Travel, *, come_back: bool = True) -> Visits:
    """Return the visits of jobs by crews.

    Args:
        jobs: each with at least one stop.
        crews: who can go.
        travel: how long it takes.
        come_back: a crew may switch elsewhere before it repairs.
    """
    stops = [stop.place for job in jobs for stop in job.stops]
    first = np.cumsum([0, *(len(job.stops) for job in jobs)])
    between = travel.minutes([*stops, *(crew.place for crew in crews)], stops)
    chance = np.zeros((len(jobs), len(stops)))
    for number, job in enumerate(jobs):
        chance[number, first[number] : first[number + 1]] = [stop.probability for stop in job.stops]
    exits = np.vstack([chance @ between[: len(stops)], between[len(stops) :]])
    to_repair = exits @ chance.T
    columns = np.hstack([exits, to_repair, np.zeros((len(exits), 1))])
    locked = _locked(jobs, crews)
    _shorten(columns, jobs, crews, locked, first)
    made = _Made(jobs, between, first, len(stops), come_back, frozenset(locked) - {-1})
    may = np.array([[crew.can_do(job) for job in jobs] for crew in crews], dtype=bool).reshape(len(crews), len(jobs))
    for crew, job_number in enumerate(locked):
        if job_number >= 0:
            may[:, job_number] = False
            may[crew, job_number] = True
    return made.visits(tuple(crews), columns, may, locked)


def _locked(jobs: Sequence[Job], crews: Sequence[Crew]) -> tuple[int, ...]:
    """Return for each crew the job that it is under way to; of two crews on one job the first counts."""
    number = {job.job_id: index for index, job in enumerate(jobs)}
    taken: set[int] = set()
    found = []
    for crew in crews:
        job = number.get(crew.heading_to or "", -1)
        found.append(job if job not in taken else -1)
        taken.add(job)
    return tuple(found)


def _shorten(
    columns: Numbers, jobs: Sequence[Job], crews: Sequence[Crew], locked: tuple[int, ...], first: np.ndarray
) -> None:
    """Take off what a crew has travelled already."""
    for number, (crew, job) in enumerate(zip(crews, locked, strict=True)):
        if job < 0:
            continue
        left = columns[len(jobs) + number, first[job] : first[job + 1]]
        left[:] = 0.0 if crew.on_site else np.maximum(left - crew.under_way_min, 0.0)


class _Made:
    """Makes the visits of each job, one after the other."""

    def __init__(
        self,
        jobs: Sequence[Job],
        between: Numbers,
        first: np.ndarray,
        stops: int,
        come_back: bool,
        whole_only: frozenset[int],
    ) -> None:
        self.jobs, self.stops, self.come_back, self.whole_only = jobs, stops, come_back, whole_only
        self.between, self.first = between, first
        self.job: list[int] = []
        self.part: list[int] = []
        self.order: list[tuple[int, ...]] = []
        self.entry: list[int] = []
        self.weight: list[float] = []
        self.fixed: list[float] = []
        self.service: list[float] = []

    def visits(self, crews: tuple[Crew, ...], legs: Numbers, may: np.ndarray, locked: tuple[int, ...]) -> Visits:
        wholes, switches, repairs = [], [], []
        for number, job in enumerate(self.jobs):
            orders = self._orders(number)
            wholes.append(tuple(self._whole(number, job, order, find) for order, find in orders))
            parted = self.come_back and job.back_by_switching > 0 and number not in self.whole_only
            switches.append(tuple(self._switch(number, job, order, find) for order, find in orders) if parted else ())
            repairs.append(self._repair(number, job) if parted else -1)
        return Visits(
            tuple(self.jobs), crews, self.job, self.part, self.order, self.entry, self.weight, self.fixed, self.service,
            legs, tuple(wholes), tuple(switches), tuple(repairs), may, locked,
        )  # fmt: skip

    def _orders(self, number: int) -> list[tuple[tuple[int, ...], float]]:
        """Return for each first stop the order with the least expected minutes until the fault is found."""
        first, last = int(self.first[number]), int(self.first[number + 1])
        minutes = self.between[first:last, first:last].tolist()
        chance = [stop.probability for stop in self.jobs[number].stops]
        look = [stop.look_min for stop in self.jobs[number].stops]
        found: list[tuple[tuple[int, ...], float]] = []
        for begin in range(last - first):
            rest = [stop for stop in range(last - first) if stop != begin]
            best: tuple[int, ...] = ()
            least = np.inf
            for order in permutations(rest):
                time = mean = 0.0
                at = begin
                for stop in (begin, *order):
                    time += minutes[at][stop] + look[stop]
                    mean += chance[stop] * time
                    at = stop
                if mean < least:
                    best, least = (begin, *order), mean
            found.append((best, float(least)))
        return found

    def _add(
        self, job: int, part: int, order: tuple[int, ...], entry: int, weight: float, fixed: float, service: float
    ) -> int:
        self.job.append(job)
        self.part.append(part)
        self.order.append(order)
        self.entry.append(entry)
        self.weight.append(weight)
        self.fixed.append(fixed)
        self.service.append(service)
        return len(self.job) - 1

    def _whole(self, number: int, job: Job, order: tuple[int, ...], find: float) -> int:
        switched = find + job.switch_min
        repaired = switched + job.repair_min
        fixed = job.back_by_switching * switched + job.back_by_repair * repaired
        return self._add(number, WHOLE, order, int(self.first[number]) + order[0], job.customers, fixed, repaired)

    def _switch(self, number: int, job: Job, order: tuple[int, ...], find: float) -> int:
        switched = find + job.switch_min
        entry = int(self.first[number]) + order[0]
        return self._add(
            number, SWITCH, order, entry, job.back_by_switching, job.back_by_switching * switched, switched
        )

    def _repair(self, number: int, job: Job) -> int:
        fixed = job.back_by_repair * job.repair_min
        return self._add(number, REPAIR, (), self.stops + number, job.back_by_repair, fixed, job.repair_min)
