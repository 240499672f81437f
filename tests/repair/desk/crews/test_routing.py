"""Routes of crews: the exact ones are the best of all; the searched ones keep every rule and beat rules of thumb."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from repair.desk.crews.exact import MOST_JOBS, best_routes
from repair.desk.crews.routing import route
from repair.desk.crews.rules import Routes, most_per_minute, nearest_free
from repair.desk.crews.search import improve, parts_in_order
from repair.desk.crews.travel import Travel
from repair.desk.crews.visits import REPAIR, SWITCH, Visits, visits_of
from repair.desk.crews.work import Crew, Job, Place, Stop
from tests.repair.desk.crews.problems import TRAVEL, every_plan, expected_by_every_truth, problems

Problem = tuple[list[Job], list[Crew]]


def storm(jobs: int, crews: int, seed: int) -> Visits:
    dice = random.Random(seed)

    def place(name: str) -> Place:
        return Place(name, 115.0 + dice.random() / 5, 33.0 + dice.random() / 5)

    faults = []
    for number in range(jobs):
        count = dice.randint(1, 4)
        stops = tuple(Stop(place(f"{number}-{at}"), 1 / count, dice.uniform(5, 30)) for at in range(count))
        back = dice.choice((0.0, dice.uniform(1, 300)))
        needs = frozenset(dice.sample(["cable"], dice.randint(0, 1)))
        faults.append(Job(f"J{number}", stops, back, dice.uniform(1, 100), 10.0, dice.uniform(20, 300), needs))
    hands = [
        Crew(f"C{number}", place(f"base {number}"), skills=frozenset({"cable"} if number % 2 == 0 else ()))
        for number in range(crews)
    ]
    hands[0] = replace(hands[0], heading_to="J0", under_way_min=5.0)
    return visits_of(faults, hands, TRAVEL)


def require_whole(visits: Visits, routes: Routes) -> None:
    """Every job that somebody may do is done once, by one crew that may, and nobody is torn away."""
    for crew, way in enumerate(routes):
        assert parts_in_order(visits, way)
        assert all(visits.may[crew, visits.job[visit]] for visit in way)
        if visits.locked[crew] >= 0:
            assert visits.job[way[0]] == visits.locked[crew]
    done = [visits.job[visit] for way in routes for visit in way if visits.part[visit] != REPAIR]
    assert sorted(done) == [job for job in range(len(visits.jobs)) if visits.may[:, job].any()]


@settings(max_examples=60, deadline=None)
@given(problems(most_jobs=3))
def test_the_exact_routes_are_the_best_of_all(problem: Problem) -> None:
    visits = visits_of(*problem, TRAVEL)
    found = best_routes(visits)
    assert found is not None
    require_whole(visits, found)
    assert visits.total(found) == pytest.approx(min(visits.total(plan) for plan in every_plan(visits)), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(problems(most_jobs=4))
def test_the_expected_cost_is_the_mean_over_every_place_of_the_faults(problem: Problem) -> None:
    visits = visits_of(*problem, TRAVEL)
    for routes in (best_routes(visits), most_per_minute(visits), nearest_free(visits)):
        assert routes is not None
        assert visits.total(routes) == pytest.approx(expected_by_every_truth(visits, routes), abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_the_search_comes_to_the_best_of_small_problems(seed: int) -> None:
    visits = storm(6, 1 + seed % 3, seed)
    best = best_routes(visits)
    assert best is not None
    found, _ = improve(visits, most_per_minute(visits), 400, math.inf)
    require_whole(visits, found)
    least = visits.total(best)
    assert least - 1e-6 <= visits.total(found) <= least * 1.001


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_is_planned_better_than_by_rules_of_thumb(seed: int) -> None:
    visits = storm(40, 8, seed)
    found = route(visits, steps=600, limit_s=60.0)
    assert not found.exact
    require_whole(visits, found.routes)
    assert found.cost == pytest.approx(visits.total(found.routes))
    assert found.cost < 0.97 * visits.total(most_per_minute(visits))
    assert found.cost < 0.85 * visits.total(nearest_free(visits))
    assert route(visits, steps=600, limit_s=60.0).routes == found.routes


def test_without_a_step_the_rule_of_thumb_stands() -> None:
    visits = storm(40, 8, 1)
    assert route(visits, steps=0).cost == min(visits.total(most_per_minute(visits)), visits.total(nearest_free(visits)))


def at(name: str, east: float) -> Place:
    return Place(name, 115.0 + east, 33.0)


def test_switching_comes_before_a_long_repair() -> None:
    """Two faults beside each other: both are switched first, then both repaired."""
    jobs = [
        Job(f"J{number}", (Stop(at(f"P{number}", 0.01 * number), 1.0, 5.0),), 500.0, 5.0, 10.0, 240.0)
        for number in range(2)
    ]
    crew = Crew("C", at("base", 0.0))
    visits = visits_of(jobs, [crew], TRAVEL)
    found = route(visits)
    assert visits.part[found.routes[0][0]] == SWITCH
    assert [visits.part[visit] for visit in found.routes[0]].count(REPAIR) >= 1
    at_once = route(visits_of(jobs, [crew], TRAVEL, come_back=False))
    assert found.cost < 0.7 * at_once.cost


def test_the_likeliest_section_is_not_looked_at_first_where_that_takes_long() -> None:
    stops = (Stop(at("long", 0.0), 0.55, 120.0), Stop(at("short", 0.01), 0.45, 5.0))
    visits = visits_of([Job("J", stops, 0.0, 100.0, 0.0, 60.0)], [Crew("C", at("base", 0.0))], TRAVEL)
    (visit,) = route(visits).routes[0]
    assert visits.order[visit] == (1, 0)


def test_nobody_is_torn_away() -> None:
    """A crew goes on to a small fault although a large one turned up beside it."""
    small = Job("small", (Stop(at("far", 0.3), 1.0, 5.0),), 0.0, 3.0, 0.0, 60.0)
    large = Job("large", (Stop(at("near", 0.0), 1.0, 5.0),), 0.0, 900.0, 0.0, 60.0)
    crew = Crew("C", at("base", 0.0))
    free = visits_of([small, large], [crew], TRAVEL)
    assert free.job[route(free).routes[0][0]] == 1
    under_way = visits_of([small, large], [replace(crew, heading_to="small", under_way_min=10.0)], TRAVEL)
    first = route(under_way).routes[0]
    assert [under_way.job[visit] for visit in first] == [0, 1]
    whole_way = TRAVEL.minutes([at("base", 0.0)], [at("far", 0.3)])[0, 0]
    assert under_way.arrivals(0, first)[0] == pytest.approx(whole_way - 10.0)
    on_site = visits_of([small, large], [replace(crew, heading_to="small", on_site=True)], TRAVEL)
    assert on_site.arrivals(0, route(on_site).routes[0])[0] == 0.0


def test_work_that_nobody_may_do_is_left_out() -> None:
    cable = Job("cable", (Stop(at("P", 0.0), 1.0, 5.0),), 0.0, 9.0, 0.0, 60.0, frozenset({"cable"}))
    visits = visits_of([cable], [Crew("C", at("base", 0.0))], TRAVEL)
    assert route(visits).routes == [[]]
    assert visits_of([], [], TRAVEL).total([]) == 0.0
    assert route(visits_of([], [Crew("C", at("base", 0.0))], TRAVEL)).routes == [[]]


def test_crews_off_duty_leave_the_work_to_others() -> None:
    jobs = [Job(f"J{n}", (Stop(at(f"P{n}", 0.0), 1.0, 5.0),), 0.0, 50.0, 0.0, 60.0) for n in range(MOST_JOBS + 2)]
    crews = [Crew("short", at("base", 0.0), until_min=70.0), Crew("long", at("base", 0.1))]
    visits = visits_of(jobs, crews, TRAVEL)
    found = route(visits, steps=300)
    assert all(time <= 70.0 for time in visits.arrivals(0, found.routes[0]))
    require_whole(visits, found.routes)


def test_travel_is_told_by_the_table_first() -> None:
    base, section = at("B", 0.0), Place("S", 115.1, 33.0, "F1")
    travel = Travel(speed_kmh=60.0, road_factor=1.0)
    km = 0.1 * math.cos(math.radians(33.0)) * 6371.0 * math.pi / 180
    assert travel.minutes([base], [section])[0, 0] == pytest.approx(km, rel=1e-4)
    by_feeder = replace(travel, known={("B", "F1"): 44.0})
    assert by_feeder.minutes([base, section], [section, base]).tolist()[0] == [44.0, 0.0]
    by_both = replace(travel, known={("B", "S"): 11.0, ("B", "F1"): 44.0})
    assert by_both.minutes([base], [section])[0, 0] == 11.0
    nowhere = travel.minutes([base], [Place("X")])
    assert nowhere[0, 0] == travel.unknown_min
    assert np.isfinite(nowhere).all()
