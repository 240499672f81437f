"""The best routes that can be found: exact for few jobs, else improved from the better of two rules."""

from __future__ import annotations

from dataclasses import dataclass

from repair.desk.crews.exact import best_routes
from repair.desk.crews.rules import Routes, most_per_minute, nearest_free
from repair.desk.crews.search import improve
from repair.desk.crews.visits import Visits


@dataclass(frozen=True)
class Routing:
    """Routes and how they were found.

    Attributes:
        routes: visits of each crew in order.
        cost: expected customer-minutes without power from now on.
        exact: whether nothing can be better.
        steps: how many times the search changed the routes.
    """

    routes: Routes
    cost: float
    exact: bool
    steps: int


def route(visits: Visits, steps: int = 6000, limit_s: float = 1.8, seed: int = 0) -> Routing:
    """Return the routes with the least expected customer-minutes that can be found; never worse than either rule.

    Args:
        visits: the problem.
        steps: of the search, where there are too many jobs to be solved exactly.
        limit_s: seconds of the processor that the search may take.
        seed: of the search.
    """
    if not visits.crews:
        return Routing([], 0.0, exact=True, steps=0)
    exact = best_routes(visits)
    if exact is not None and _in_time(visits, exact):
        return Routing(exact, visits.total(exact), exact=True, steps=0)
    start = min((most_per_minute(visits), nearest_free(visits)), key=visits.total)
    found, done = improve(visits, start, steps, limit_s, seed)
    return Routing(found, visits.total(found), exact=False, steps=done)


def _in_time(visits: Visits, routes: Routes) -> bool:
    """Tell whether no work begins after a shift, so that the end of shifts changes nothing."""
    return all(time <= visits.until[crew] for crew, route in enumerate(routes) for time in visits.arrivals(crew, route))
