"""The best routes of all where there are few jobs: dynamic programming over what a crew still has to do.

What is still to be done waits while the crew travels and works; so the cost from a place on depends only on the place and on
what is left, and the best split of the jobs among the crews follows from the best route of each set of jobs.
"""

from __future__ import annotations

import math
from functools import cache

from repair.desk.crews.rules import Routes
from repair.desk.crews.visits import REPAIR, SWITCH, Visits

MOST_JOBS = 8
"""So many jobs are solved exactly."""


def best_routes(visits: Visits) -> Routes | None:
    """Return the routes with the least expected customer-minutes; ``None`` where there are more than :data:`MOST_JOBS` jobs.

    Shifts that end before the work is done are not weighed: compare ``visits.cost`` where they might.
    """
    jobs = [job for job in range(len(visits.jobs)) if visits.may[:, job].any()]
    if len(jobs) > MOST_JOBS or not visits.crews:
        return None
    solver = _Solver(visits)
    everything = sum(1 << job for job in jobs)
    alone: dict[int, tuple[float, int]] = {}
    best: dict[int, tuple[float, list[tuple[int, ...]]]] = {0: (0.0, [])}
    for crew in range(len(visits.crews)):
        may = sum(1 << job for job in jobs if visits.may[crew, job])
        must = 1 << visits.locked[crew] if visits.locked[crew] >= 0 else 0
        after: dict[int, tuple[float, list[tuple[int, ...]]]] = {}
        alone = {part: solver.from_start(crew, part) for part in _parts(may) if part & must == must}
        for done, (cost, routes) in best.items():
            for part in _parts(may & ~done):
                if part & must != must:
                    continue
                total = cost + alone[part][0]
                if total < after.get(done | part, (math.inf,))[0]:
                    after[done | part] = (total, [*routes, (crew, part)])
        best = after
    if everything not in best:
        return None
    return [solver.route(crew, part) for crew, part in best[everything][1]]


def _parts(whole: int) -> list[int]:
    """Return all sets of jobs within a set, the empty one among them."""
    found, part = [], whole
    while True:
        found.append(part)
        if part == 0:
            return found
        part = (part - 1) & whole


class _Solver:
    """The best route of one crew from any place with any jobs left."""

    def __init__(self, visits: Visits) -> None:
        self.visits = visits
        self.onward = cache(self._onward)

    def from_start(self, crew: int, jobs: int) -> tuple[float, int]:
        """Return the least customer-minutes of a crew that does all of a set of jobs, and its first visit."""
        visits = self.visits
        waiting = self._waiting(jobs, 0)
        first = visits.locked[crew]
        cost, visit = self._best(len(visits.jobs) + crew, jobs, 0, only=first)
        return cost + waiting * visits.free[crew], visit

    def route(self, crew: int, jobs: int) -> list[int]:
        """Return that route."""
        visits, route, whole, repair = self.visits, [], jobs, 0
        _, visit = self.from_start(crew, jobs)
        while visit >= 0:
            route.append(visit)
            whole, repair = self._left(visit, whole, repair)
            _, visit = self.onward(visits.job[visit], whole, repair)
        return route

    def _waiting(self, whole: int, repair: int) -> float:
        visits, total = self.visits, 0.0
        for job in range(len(visits.jobs)):
            if whole >> job & 1:
                total += visits.weight[visits.wholes[job][0]]
            elif repair >> job & 1:
                total += visits.weight[visits.repairs[job]]
        return total

    def _left(self, visit: int, whole: int, repair: int) -> tuple[int, int]:
        bit = 1 << self.visits.job[visit]
        part = self.visits.part[visit]
        return whole & ~bit, (repair | bit) if part == SWITCH else repair & ~bit

    def _onward(self, at: int, whole: int, repair: int) -> tuple[float, int]:
        return self._best(at, whole, repair)

    def _best(self, at: int, whole: int, repair: int, only: int = -1) -> tuple[float, int]:
        """Return the least customer-minutes from an exit on, and the next visit, -1 where nothing is left."""
        visits = self.visits
        if not whole and not repair:
            return 0.0, -1
        waiting, row = self._waiting(whole, repair), visits.leg_rows[at]
        best = (math.inf, -1)
        for visit in self._next(whole, repair, only):
            job = visits.job[visit]
            leg = 0.0 if visits.part[visit] == REPAIR and job == at else row[visits.entry[visit]]
            left = self._left(visit, whole, repair)
            cost = leg * waiting + visits.fixed[visit]
            cost += visits.service[visit] * (waiting - visits.weight[visit]) + self.onward(job, *left)[0]
            if cost < best[0]:
                best = (cost, visit)
        return best

    def _next(self, whole: int, repair: int, only: int) -> list[int]:
        visits = self.visits
        found = []
        for job in range(len(visits.jobs)):
            if only >= 0 and job != only:
                continue
            if whole >> job & 1:
                found += [*visits.wholes[job], *visits.switches[job]]
            elif repair >> job & 1:
                found.append(visits.repairs[job])
        return found
