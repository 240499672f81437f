"""Two rules by which dispatchers send crews: the nearest free one, and the one that gives most customers back per minute."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from repair.desk.crews.visits import Visits

Routes = list[list[int]]
"""Visits of each crew in order."""


def nearest_free(visits: Visits) -> Routes:
    """Return the routes where whoever is free goes to the nearest job that is open."""
    return _one_after_another(visits, lambda _, leg, __: -leg)


def most_per_minute(visits: Visits) -> Routes:
    """Return the routes where whoever is free takes the job with most customers per minute of travel, search and repair."""
    return _one_after_another(visits, lambda visit, leg, service: visits.weight[visit] / max(leg + service, 1e-9))


def _one_after_another(visits: Visits, worth: Callable[[int, float, float], float]) -> Routes:
    """Send whoever is free first to what is worth most; the smaller number decides between equals."""
    routes: Routes = [[] for _ in visits.crews]
    rows, jobs = visits.leg_rows, len(visits.jobs)
    open_jobs = set(range(jobs))
    free: list[tuple[float, int, list[float]]] = []
    for crew, job in enumerate(visits.locked):
        time, row = visits.free[crew], rows[jobs + crew]
        if job >= 0:
            visit = _shortest(visits, job, row)
            routes[crew].append(visit)
            open_jobs.discard(job)
            time += row[visits.entry[visit]] + visits.service[visit]
            row = rows[job]
        heapq.heappush(free, (time, crew, row))
    while free and open_jobs:
        time, crew, row = heapq.heappop(free)
        if time > visits.until[crew] and free:
            continue  # its shift is over, and others are left
        choice = [job for job in sorted(open_jobs) if visits.may[crew, job]]
        if not choice:
            continue
        shortest = {job: _shortest(visits, job, row) for job in choice}
        best = max(
            choice,
            key=lambda job: worth(shortest[job], row[visits.entry[shortest[job]]], visits.service[shortest[job]]),
        )
        visit = shortest[best]
        routes[crew].append(visit)
        open_jobs.discard(best)
        heapq.heappush(free, (time + row[visits.entry[visit]] + visits.service[visit], crew, rows[best]))
    return _rest(visits, routes, sorted(open_jobs))


def _shortest(visits: Visits, job: int, row: list[float]) -> int:
    """Return the visit of a whole job that is over first."""
    return min(visits.wholes[job], key=lambda visit: row[visits.entry[visit]] + visits.service[visit])


def _rest(visits: Visits, routes: Routes, jobs: list[int]) -> Routes:
    """Add what nobody on shift was left for at the end of the shortest route that may take it."""
    for job in jobs:
        crews = [crew for crew in range(len(routes)) if visits.may[crew, job]]
        if crews:
            crew = min(crews, key=lambda each: (len(routes[each]), each))
            routes[crew].append(visits.wholes[job][0])
    return routes
