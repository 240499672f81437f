"""Crews in storms: customer-hours against the nearest free crew, the greedy rule, and the best possible.

    python -m benchmarks.dispatch                # 200 storms; --storms 20 for a look

Storms strike at the places of the sample county. Each fault may lie in one of several sections of a feeder, with probabilities;
many customers come back by switching once it is found, the others wait for the repair. Crews have skills. All ways are judged by
the same expected customer-hours from now on. `in order` plans as if every fault lay in its likeliest section, and then looks on
section by section. `likeliest` looks at the likeliest section only: what is not there goes back to the desk and is planned anew
after the round (simulated, with the places drawn). `exact` is given for storms of up to eight faults. Seconds are those of the
processor.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from data_samples.generator.county import COUNTY
from network import Network, build_network, read_workspace
from repair.desk.crews.exact import best_routes
from repair.desk.crews.routing import Routing, route
from repair.desk.crews.rules import Routes, most_per_minute, nearest_free
from repair.desk.crews.travel import Travel
from repair.desk.crews.visits import REPAIR, SWITCH, WHOLE, Visits, visits_of
from repair.desk.crews.work import Crew, Job, Place, Stop

SIZES = ((8, 3), (20, 5), (60, 12), (150, 25))
SHARES = (0.1, 0.3, 0.3, 0.3)
TRAVEL = Travel()
DRAWS = 2
PATROL_MIN_PER_KM = {"line": 20.0, "cable": 30.0}
MEDIAN_LOG_CUSTOMERS = {"line": 5.3, "cable": 5.6, "low_voltage": 2.5}
REPAIR_H = {"line": 1.8, "cable": 5.0, "low_voltage": 0.8}


@dataclass(frozen=True)
class Section:
    """A line of the sample county: where it is, and how long."""

    place: Place
    length_km: float
    kind: str
    feeder: str


def sections_of(network: Network) -> list[Section]:
    """Return the lines and cables of the sample county, each with its middle."""
    at = {row["node"]: (row["lon"], row["lat"]) for row in network.workspace.tables["nodes"].to_dicts()}
    found = []
    for row in network.workspace.tables["branches"].filter(pl.col("kind").is_in(["line", "cable"])).to_dicts():
        (lon_1, lat_1), (lon_2, lat_2) = at[row["from_node"]], at[row["to_node"]]
        middle = Place(row["branch_id"], (lon_1 + lon_2) / 2, (lat_1 + lat_2) / 2)
        found.append(Section(middle, row["length_km"], row["kind"], row["feeder_id"]))
    return found


def storm(
    sections: Sequence[Section], bases: Sequence[Place], incidents: int, crews: int, dice: random.Random
) -> tuple[list[Job], list[Crew]]:
    """Return the faults and crews of one storm; how probable a section is depends on its length, and on what was heard."""
    jobs = []
    for number in range(incidents):
        struck = dice.choice(sections)
        kind = "low_voltage" if dice.random() < 0.25 else struck.kind
        of_feeder = [section for section in sections if section.feeder == struck.feeder and section is not struck]
        others = [] if kind == "low_voltage" else dice.sample(of_feeder, min(len(of_feeder), dice.randrange(5)))
        chances = [(each.length_km + 0.1) * dice.expovariate(1.0) + 0.02 for each in (struck, *others)]
        stops = [
            Stop(each.place, chance / sum(chances), 5.0 + PATROL_MIN_PER_KM[each.kind] * each.length_km)
            for each, chance in zip((struck, *others), chances, strict=True)
        ]
        customers = round(math.exp(dice.gauss(MEDIAN_LOG_CUSTOMERS[kind], 1.1))) + 1
        back = 0.0 if kind == "low_voltage" else round(customers * dice.uniform(0.2, 0.9))
        repair_min = 60 * REPAIR_H[kind] * math.exp(dice.gauss(0, 0.5))
        needs = frozenset() if kind == "line" else frozenset({kind})
        stops.sort(key=lambda stop: -stop.probability)
        jobs.append(Job(f"I{number}", tuple(stops), back, customers - back, 10.0 if back else 0.0, repair_min, needs))
    skills = [("cable", "low_voltage"), ("low_voltage",), ("cable",), ("cable", "low_voltage"), ("low_voltage",)]
    made = [
        Crew(
            f"C{number}", dice.choice(bases), dice.choice((0.0, 0.0, 10.0, 30.0)), skills=frozenset(skills[number % 5])
        )
        for number in range(crews)
    ]
    return jobs, made


def drawn(jobs: list[Job], dice: random.Random) -> dict[str, int]:
    """Return in which of its sections each fault really lies."""
    return {
        job.job_id: dice.choices(range(len(job.stops)), [stop.probability for stop in job.stops])[0] for job in jobs
    }


def likeliest_only(jobs: list[Job], crews: list[Crew], visits: Visits) -> float:
    """Return the cost, in truth, of the best plan that takes the likeliest section of each fault for certain."""
    certain = [replace(job, stops=(replace(job.stops[0], probability=1.0),)) for job in jobs]
    plan = visits_of(certain, crews, TRAVEL)
    return visits.total(_in_truth(plan, route(plan), visits))


def _in_truth(plan: Visits, routing: Routing, visits: Visits) -> Routes:
    """Return the same routes among the visits of the uncertain faults, the likeliest stop first."""
    groups = {WHOLE: visits.wholes, SWITCH: visits.switches}
    return [
        [
            visits.repairs[plan.job[visit]]
            if plan.part[visit] == REPAIR
            else groups[plan.part[visit]][plan.job[visit]][0]
            for visit in way
        ]
        for way in routing.routes
    ]


def told_by_likeliest(
    jobs: list[Job], crews: list[Crew], travel: Travel, truth: dict[str, int], steps: int
) -> tuple[float, int]:
    """Return the customer-minutes where crews look at the likeliest section only, and how many rounds that took.

    What is not found there goes back to the desk, which plans it anew with the sections that are left once the round is over.
    """
    cost, rounds = 0.0, 0
    ends = {crew.crew_id: crew for crew in crews}
    left = {job.job_id: (job, truth[job.job_id]) for job in jobs}
    while left:
        rounds += 1
        certain = [replace(job, stops=(replace(job.stops[0], probability=1.0),)) for job, _ in left.values()]
        plan = visits_of(certain, list(ends.values()), travel)
        missed: dict[str, tuple[Job, int]] = {}
        for number, way in enumerate(route(plan, steps).routes):
            crew = plan.crews[number]
            time, at = crew.free_min, crew.place
            for visit in way:
                job, true = left[plan.jobs[plan.job[visit]].job_id]
                if plan.part[visit] == REPAIR and job.job_id in missed:
                    continue
                stop = job.stops[0]
                time += float(travel.minutes([at], [stop.place])[0, 0])
                at = stop.place
                if plan.part[visit] != REPAIR:
                    time += stop.look_min
                    if true != 0:
                        rest = job.stops[1:]
                        whole = sum(each.probability for each in rest)
                        rest = tuple(replace(each, probability=each.probability / whole) for each in rest)
                        missed[job.job_id] = (replace(job, stops=rest), true - 1)
                        continue
                    time += job.switch_min
                    cost += job.back_by_switching * time
                if plan.part[visit] != SWITCH:
                    time += job.repair_min
                    cost += job.back_by_repair * time
            ends[crew.crew_id] = replace(crew, free_min=time, place=at)
        left = missed
    return cost, rounds


def simulated(visits: Visits, routes: Routes, travel: Travel, truth: dict[str, int]) -> float:
    """Return the customer-minutes of routes where each fault lies in the section of the truth."""
    cost = 0.0
    for number, way in enumerate(routes):
        crew = visits.crews[number]
        time, at = crew.free_min, crew.place
        for visit in way:
            job = visits.jobs[visits.job[visit]]
            found = job.stops[truth[job.job_id]]
            if visits.part[visit] == REPAIR:
                time += float(travel.minutes([at], [found.place])[0, 0])
            for stop in (job.stops[each] for each in visits.order[visit]):
                time += float(travel.minutes([at], [stop.place])[0, 0]) + stop.look_min
                at = stop.place
                if stop is found:
                    break
            if visits.part[visit] != REPAIR:
                time += job.switch_min
                cost += job.back_by_switching * time
            if visits.part[visit] != SWITCH:
                time += job.repair_min
                cost += job.back_by_repair * time
            at = found.place
    return cost


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storms", type=int, default=200)
    storms = parser.parse_args().storms
    network = build_network(read_workspace(COUNTY))
    sections = sections_of(network)
    bases = [Place(row["base_id"], row["lon"], row["lat"]) for row in network.workspace.tables["bases"].to_dicts()]
    names = ("storms", "of nearest", "of greedy", "worst", "in order", "likeliest", "of exact", "mean s", "most s")
    print(f"{'incidents/crews':>16}" + "".join(f"{name:>11}" for name in names))
    for (incidents, crews), share in zip(SIZES, SHARES, strict=True):
        sums = dict.fromkeys(("own", "own, drawn", "nearest", "greedy", "in order", "likeliest", "exact"), 0.0)
        worst, seconds = 0.0, []
        count = max(1, round(storms * share))
        for seed in range(count):
            jobs, made = storm(sections, bases, incidents, crews, random.Random(1000 * incidents + seed))
            began = time.process_time()
            visits = visits_of(jobs, made, TRAVEL)
            found = route(visits)
            seconds.append(time.process_time() - began)
            greedy = visits.total(most_per_minute(visits))
            assert found.cost <= greedy + 1e-6
            worst = max(worst, found.cost / greedy)
            sums["own"] += found.cost
            sums["nearest"] += visits.total(nearest_free(visits))
            sums["greedy"] += greedy
            sums["in order"] += likeliest_only(jobs, made, visits)
            for draw in range(DRAWS):
                truth = drawn(jobs, random.Random(draw))
                sums["own, drawn"] += simulated(visits, found.routes, TRAVEL, truth)
                sums["likeliest"] += told_by_likeliest(jobs, made, TRAVEL, truth, 1000)[0]
            exact = best_routes(visits)
            sums["exact"] += visits.total(exact) if exact is not None else math.nan
        sums["likeliest"] *= sums["own"] / sums["own, drawn"]
        ratio = {name: sums["own"] / value for name, value in sums.items()}
        told = (ratio["nearest"], ratio["greedy"], worst, ratio["in order"], ratio["likeliest"], ratio["exact"])
        times = (sum(seconds) / count, max(seconds))
        print(
            f"{incidents:>12}/{crews:<3}{count:>11}" + "".join(f"{each:>11.3f}" for each in (*told, *times)), flush=True
        )


if __name__ == "__main__":
    main()
