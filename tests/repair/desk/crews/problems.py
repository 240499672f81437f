"""Small random problems of crews and faults, and slow, obvious answers to them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations, product

from hypothesis import strategies as st

from repair.desk.crews.travel import Travel
from repair.desk.crews.visits import REPAIR, SWITCH, Visits
from repair.desk.crews.work import Crew, Job, Place, Stop

TRAVEL = Travel(speed_kmh=30.0)


@st.composite
def problems(draw: st.DrawFn, most_jobs: int = 4, most_crews: int = 2) -> tuple[list[Job], list[Crew]]:
    """Draw faults at uncertain places, and crews of which the first can do everything."""
    spot = st.tuples(st.integers(0, 20), st.integers(0, 20))
    minutes = st.integers(0, 90).map(float)

    def place(name: str) -> Place:
        x, y = draw(spot)
        return Place(name, 115.0 + x / 100, 33.0 + y / 100)

    jobs = []
    for number in range(draw(st.integers(1, most_jobs))):
        weights = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
        stops = tuple(
            Stop(place(f"{number}-{at}"), weight / sum(weights), draw(minutes)) for at, weight in enumerate(weights)
        )
        back, rest = draw(st.integers(0, 300)), draw(st.integers(0, 300))
        needs = frozenset(draw(st.sets(st.just("cable"))))
        jobs.append(Job(f"J{number}", stops, float(back), float(rest), draw(minutes), draw(minutes), needs))
    crews = []
    for number in range(draw(st.integers(1, most_crews))):
        skills = frozenset({"cable"}) if number == 0 or draw(st.booleans()) else frozenset()
        crews.append(Crew(f"C{number}", place(f"base {number}"), draw(minutes), skills=skills))
    if draw(st.booleans()):
        crews[0] = Crew(**(vars(crews[0]) | {"heading_to": jobs[0].job_id, "under_way_min": draw(minutes)}))
    return jobs, crews


def every_plan(visits: Visits) -> Iterator[list[list[int]]]:
    """Give every way to share out the jobs, in every order, in every order of stops, at once or in two visits."""
    jobs, crews = len(visits.jobs), len(visits.crews)
    for owner in product(range(crews), repeat=jobs):
        if all(visits.may[crew, job] for job, crew in enumerate(owner)):
            choices = [
                every_route(visits, crew, [job for job in range(jobs) if owner[job] == crew]) for crew in range(crews)
            ]
            for plan in product(*choices):
                yield list(plan)


def every_route(visits: Visits, crew: int, jobs: Sequence[int]) -> list[list[int]]:
    found = []
    ways = [
        [*((visit,) for visit in visits.wholes[job]), *((visit, visits.repairs[job]) for visit in visits.switches[job])]
        for job in jobs
    ]
    for chosen in product(*ways):
        for route in permutations([visit for way in chosen for visit in way]):
            at = {visit: place for place, visit in enumerate(route)}
            in_order = all(len(way) == 1 or at[way[0]] < at[way[1]] for way in chosen)
            locked = visits.locked[crew]
            if in_order and (locked < 0 or (route and visits.job[route[0]] == locked)):
                found.append(list(route))
    return found


def expected_by_every_truth(visits: Visits, routes: Sequence[Sequence[int]], travel: Travel = TRAVEL) -> float:
    """Return the mean customer-minutes over every combination of places in which the faults may lie."""
    total = 0.0
    for truth in product(*(range(len(job.stops)) for job in visits.jobs)):
        chance = math.prod(job.stops[at].probability for job, at in zip(visits.jobs, truth, strict=True))
        total += chance * sum(_told(visits, crew, way, truth, travel) for crew, way in enumerate(routes))
    return total


def _told(visits: Visits, number: int, way: Sequence[int], truth: Sequence[int], travel: Travel) -> float:
    """Walk one route where each fault lies where the truth has it."""
    crew, cost = visits.crews[number], 0.0
    time, at = crew.free_min, crew.place

    def go(place: Place) -> None:
        nonlocal time, at
        minutes = float(travel.minutes([at], [place])[0, 0])
        if at is crew.place and crew.heading_to is not None:
            minutes = max(minutes - crew.under_way_min, 0.0)
        time, at = time + minutes, place

    for visit in way:
        job = visits.jobs[visits.job[visit]]
        found = job.stops[truth[visits.job[visit]]]
        if visits.part[visit] == REPAIR:
            go(found.place)
        for stop in (job.stops[each] for each in visits.order[visit]):
            go(stop.place)
            time += stop.look_min
            if stop is found:
                break
        if visits.part[visit] != REPAIR:
            time += job.switch_min
            cost += job.back_by_switching * time
        if visits.part[visit] != SWITCH:
            time += job.repair_min
            cost += job.back_by_repair * time
    return cost
