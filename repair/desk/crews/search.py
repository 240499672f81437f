"""Better routes by taking jobs out and putting them back, cooled down slowly (ruin and recreate with annealing).

Strings of neighbouring jobs are taken out of neighbouring routes and put back one by one where they cost least. After
J. Christiaens and G. Vanden Berghe, Slack Induction by String Removals for Vehicle Routing Problems, Transportation Science
54(2), 2020; with the sum of customers times restoration as the cost, which an insertion changes by a sum over the rest of
the route.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence

import numpy as np

from repair.desk.crews.rules import Routes
from repair.desk.crews.visits import REPAIR, SWITCH, WHOLE, Visits

LONGEST_STRING = 6
MEAN_REMOVED = 7
BLINK = 0.02
"""Share of places that an insertion overlooks, so that it does not always end in the same place."""

AFTER_SHIFT = 1e12
"""What a place costs at which a crew would arrive after its shift."""


def improve(visits: Visits, start: Routes, steps: int, limit_s: float, seed: int = 0) -> tuple[Routes, int]:
    """Return routes that cost no more than those to start from, and how many steps were tried.

    Args:
        visits: the problem.
        start: routes with every job that somebody may do.
        steps: how many times jobs are taken out and put back.
        limit_s: seconds of the processor after which the search ends.
        seed: the same gives the same routes, unless time ran out.
    """
    search = _Search(visits, start, seed)
    began = time.thread_time()
    movable = [job for job in range(len(visits.jobs)) if search.route_of(job) >= 0 and job not in visits.locked]
    if not movable or steps <= 0:
        return start, 0
    warm = 0.3 * search.total / max(len(movable), 1)
    done = 0
    while done < steps:
        share = done / steps
        if done % 16 == 0:
            spent = (time.thread_time() - began) / limit_s
            if spent >= 1:
                break
            share = max(share, spent)
        search.step(movable, warm * 0.001**share)
        done += 1
    return search.best, done


class _Search:
    """Routes that change, with what an insertion needs to know of every place in them."""

    def __init__(self, visits: Visits, start: Routes, seed: int) -> None:
        self.visits = visits
        self.dice = random.Random(seed)  # noqa: S311 (no secret)
        self.chance = np.random.default_rng(seed)
        self.routes = [list(route) for route in start]
        self.costs = [visits.cost(crew, route) for crew, route in enumerate(self.routes)]
        self.total = sum(self.costs)
        self.best, self.least = [list(route) for route in self.routes], self.total
        jobs = len(visits.jobs)
        self.near = np.argsort(visits.legs[:jobs, [visits.entry[whole[0]] for whole in visits.wholes]], axis=1).tolist()
        self.size = [visits.weight[whole[0]] for whole in visits.wholes]
        self.urgency = [visits.weight[whole[0]] / max(visits.service[whole[0]], 1e-9) for whole in visits.wholes]
        self.legs_to = np.ascontiguousarray(visits.legs.T)
        self.groups: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self.until = np.array(visits.until)
        self.width = 0
        self._widen(max(len(route) for route in self.routes) + 4)

    def route_of(self, job: int) -> int:
        """Return the crew of a job, -1 for none."""
        for crew, route in enumerate(self.routes):
            if any(self.visits.job[visit] == job for visit in route):
                return crew
        return -1

    def _widen(self, width: int) -> None:
        """Make room for routes of so many visits."""
        shape = (len(self.routes), width + 1)
        self.width = width
        self.exit = np.zeros(shape, dtype=np.int64)
        self.entry = np.zeros(shape, dtype=np.int64)
        self.leave = np.zeros(shape)
        self.waiting = np.zeros(shape)
        self.leg = np.zeros(shape)
        self.shut = np.ones(shape, dtype=bool)
        for crew in range(len(self.routes)):
            self._look(crew)

    def _look(self, crew: int) -> None:
        """Note for every place in a route who waits beyond it and when the crew leaves before it."""
        visits, route = self.visits, self.routes[crew]
        if len(route) > self.width:
            self._widen(len(route) + 4)
            return
        times = visits.arrivals(crew, route)
        jobs, end = len(visits.jobs), visits.legs.shape[1] - 1
        length = len(route)
        exits = [jobs + crew, *(visits.job[visit] for visit in route)]
        entries = [*(visits.entry[visit] for visit in route), end]
        leave = [visits.free[crew], *(at + visits.service[visit] for at, visit in zip(times, route, strict=True))]
        legs = [at - before for at, before in zip(times, leave, strict=False)] + [0.0]
        waiting = [0.0] * (length + 1)
        for place in range(length - 1, -1, -1):
            waiting[place] = waiting[place + 1] + visits.weight[route[place]]
        self.exit[crew, : length + 1] = exits
        self.entry[crew, : length + 1] = entries
        self.leave[crew, : length + 1] = leave
        self.waiting[crew, : length + 1] = waiting
        self.leg[crew, : length + 1] = legs
        self.shut[crew, : length + 1] = False
        self.shut[crew, length + 1 :] = True
        if visits.locked[crew] >= 0:
            self.shut[crew, 0] = True

    def step(self, movable: Sequence[int], temperature: float) -> None:
        """Take some jobs out, put them back, and keep the result if it is better or, by chance, little worse."""
        out = self._strings(self.dice.choice(movable), movable)
        before: dict[int, list[int]] = {}
        costs = list(self.costs)
        for crew, route in enumerate(self.routes):
            if any(self.visits.job[visit] in out for visit in route):
                before[crew] = route
                self.routes[crew] = [visit for visit in route if self.visits.job[visit] not in out]
                self._look(crew)
        placed = True
        for job in self._sorted(out):
            crew = self._put(job, before)
            placed = placed and crew >= 0
        for crew in before:
            self.costs[crew] = self.visits.cost(crew, self.routes[crew])
        total = sum(self.costs)
        if placed and total < self.total - temperature * math.log(1.0 - self.dice.random()):
            self.total = total
        else:
            self.costs = costs
            for crew, route in before.items():
                self.routes[crew] = route
                self._look(crew)
            return
        if total < self.least - 1e-9:
            self.least, self.best = total, [list(route) for route in self.routes]

    def _strings(self, seed: int, movable: Sequence[int]) -> set[int]:
        """Return jobs that stand in strings of neighbouring routes, near a job."""
        visits, may_move = self.visits, set(movable)
        wanted = self.dice.randint(1, 2 * MEAN_REMOVED - 1)
        out: set[int] = set()
        seen: set[int] = set()
        where = {visits.job[visit]: crew for crew, route in enumerate(self.routes) for visit in route}
        for job in self.near[seed]:
            if len(out) >= wanted:
                break
            crew = where.get(job, -1)
            if crew < 0 or crew in seen or job not in may_move:
                continue
            seen.add(crew)
            line = list(dict.fromkeys(visits.job[visit] for visit in self.routes[crew]))
            length = min(len(line), self.dice.randint(1, LONGEST_STRING))
            at = line.index(job)
            begin = self.dice.randint(max(0, at - length + 1), min(at, len(line) - length))
            out.update(each for each in line[begin : begin + length] if each in may_move)
        return out

    def _sorted(self, out: set[int]) -> list[int]:
        """Return jobs in an order in which to put them back: by chance, the urgent ones first, or the large ones."""
        jobs = sorted(out)
        self.dice.shuffle(jobs)
        way = self.dice.random()
        if way < 0.5:
            jobs.sort(key=lambda job: -self.urgency[job])
        elif way < 0.7:
            jobs.sort(key=lambda job: -self.size[job])
        return jobs

    def _put(self, job: int, before: dict[int, list[int]]) -> int:
        """Put a job where it costs least, and return the crew; -1 where no crew may do it.

        Two ways are tried: where the whole of it costs least, and where switching alone does; the repair may follow later.
        """
        visits = self.visits
        best: tuple[float, int, list[int]] | None = None
        for group in (visits.wholes[job], visits.switches[job]):
            found = self._cheapest(job, group) if group else None
            if found is None:
                continue
            crew, at, visit = found
            route = self.routes[crew]
            now = visits.cost(crew, route)
            for tried in self._ways(job, route, at, group.index(visit)):
                cost = visits.cost(crew, tried) - now
                if best is None or cost < best[0]:
                    best = (cost, crew, tried)
        if best is None:
            return -1
        _, crew, route = best
        before.setdefault(crew, self.routes[crew])
        self.routes[crew] = route
        self._look(crew)
        return crew

    def _cheapest(self, job: int, group: Sequence[int]) -> tuple[int, int, int] | None:
        """Return crew and place at which one of some visits to a job costs least, and the visit; ``None`` for no place."""
        visits = self.visits
        entries, service, fixed = self._of_group(group)
        leg = self.legs_to[entries][:, self.exit.ravel()]
        arrive = leg + self.leave.ravel()
        longer = leg + service[:, None] + (visits.legs[job][self.entry.ravel()] - self.leg.ravel())
        cost = visits.weight[group[0]] * arrive + self.waiting.ravel() * longer + fixed[:, None]
        cost += AFTER_SHIFT * (arrive > np.repeat(self.until, self.width + 1))
        shut = self.shut | ~visits.may[:, job, None]
        if shut.all():
            return None
        blinked = shut | (self.chance.random(shut.shape) < BLINK)
        cost[:, (shut if blinked.all() else blinked).ravel()] = np.inf
        order, place = divmod(int(cost.argmin()), cost.shape[1])
        crew, at = divmod(place, self.width + 1)
        return crew, at, group[order]

    def _of_group(self, group: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return entries, services and fixed costs of some visits."""
        if group[0] not in self.groups:
            visits = self.visits
            self.groups[group[0]] = (
                np.array([visits.entry[each] for each in group]),
                np.array([visits.service[each] for each in group]),
                np.array([visits.fixed[each] for each in group]),
            )
        return self.groups[group[0]]

    def _ways(self, job: int, route: list[int], at: int, order: int) -> Iterator[list[int]]:
        """Give the routes with a job at a place: at once, or with the repair left for any later place."""
        visits = self.visits
        yield [*route[:at], visits.wholes[job][order], *route[at:]]
        if visits.repairs[job] >= 0:
            switch, repair = visits.switches[job][order], visits.repairs[job]
            for later in range(at + 1, len(route) + 1):
                yield [*route[:at], switch, *route[at:later], repair, *route[later:]]


def parts_in_order(visits: Visits, route: Sequence[int]) -> bool:
    """Tell whether each job of a route is done once: as a whole, or switched before it is repaired."""
    state: dict[int, int] = {}
    for visit in route:
        job, part = visits.job[visit], visits.part[visit]
        if (part == REPAIR) != (state.get(job) == SWITCH) or (part != REPAIR and job in state):
            return False
        state[job] = part if part != REPAIR else WHOLE
    return all(part != SWITCH for part in state.values())
