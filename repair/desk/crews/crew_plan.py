"""Who goes where, in which order, and why: the plan of all crews for all open faults."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from network import FudianError, UnknownIdError, text
from network.representation import Shown
from repair.desk.crews.clocks import ArrivalClock, arrival_clock
from repair.desk.crews.open_work import Fault, OpenWork
from repair.desk.crews.routing import Routing, route
from repair.desk.crews.rules import most_per_minute, nearest_free
from repair.desk.crews.visits import REPAIR, SWITCH, WHOLE, Visits, visits_of
from repair.desk.crews.work import Crew
from repair.settings import CrewSettings

PARTS = {WHOLE: "all", SWITCH: "switch", REPAIR: "repair"}
"""What a crew does on a visit: everything, only finding and switching, or only the repair."""


@dataclass(frozen=True)
class Visit:
    """One visit of a crew to a fault.

    Attributes:
        crew_id: who goes.
        number: its place in the crew's order, from 1.
        incident: the fault.
        part: ``all``, ``switch`` or ``repair``.
        sections: the branches of each section to look at, in the crew's order.
        arrives: when the crew arrives, as expected.
        switched: when those who come back by switching have power, as expected; ``None`` where nobody does.
        done: when the crew leaves, as expected.
        under_way: the crew is on its way there already, or at work.
    """

    crew_id: str
    number: int
    incident: str
    part: str
    sections: tuple[tuple[str, ...], ...]
    arrives: datetime
    switched: datetime | None
    done: datetime
    under_way: bool

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, for JSON."""
        return vars(self) | {
            "sections": [list(section) for section in self.sections],
            "arrives": self.arrives.isoformat(),
            "switched": self.switched.isoformat() if self.switched else None,
            "done": self.done.isoformat(),
        }


@dataclass(frozen=True)
class Assignment:
    """What the plan has for one fault.

    Attributes:
        fault: the fault.
        visits: the visits to it, in order; none where no crew can go.
        clock: its arrival clock.
        next_best: the crew that would cost fewest customer-hours in its stead, and how many more; ``None`` where no other can go.
        reason: ``sent``, ``under_way``, ``chosen`` (by a person), or why nobody goes: ``no_crew`` (none has the skills),
            ``no_shift`` (none is on duty long enough).
    """

    fault: Fault
    visits: tuple[Visit, ...]
    clock: ArrivalClock
    next_best: tuple[str, float] | None
    reason: str

    @property
    def restored(self) -> datetime | None:
        """When all have power again, as expected."""
        return self.visits[-1].done if self.visits else None

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, for JSON."""
        switched = next((visit.switched for visit in self.visits if visit.switched), None)
        return {
            "incident": self.fault.key,
            "customers": self.fault.customers,
            "important": self.fault.important,
            "remotely": self.fault.remotely,
            "crew_id": self.visits[0].crew_id if self.visits else None,
            "arrives": self.visits[0].arrives.isoformat() if self.visits else None,
            "switched": switched.isoformat() if switched else None,
            "restored": self.restored.isoformat() if self.restored else None,
            "reason": self.reason,
            "next_best": None
            if self.next_best is None
            else {"crew_id": self.next_best[0], "more_customer_hours": self.next_best[1]},
            "clock": self.clock.as_dict(),
            "sections": [
                {"branches": list(branches), "probability": stop.probability}
                for branches, stop in zip(self.fault.sections, self.fault.job.stops, strict=True)
            ],
            "left_out": self.fault.left_out,
        }


@dataclass(frozen=True, eq=False, repr=False)
class CrewPlan(Shown):
    """The plan of all crews at one moment.

    Attributes:
        at: the moment.
        assignments: one for each open fault, in the order of the board.
        crews: who is on duty, or under way.
        visits: all visits, crew by crew in order.
        routing: how the routes were found; customers count with the weight of important ones.
        nearest, greedy: customer-hours by the nearest free crew, and by most customers per minute.
        rules: settings.
    """

    at: datetime
    assignments: tuple[Assignment, ...]
    crews: tuple[Crew, ...]
    visits: tuple[Visit, ...]
    routing: Routing
    nearest: float
    greedy: float
    rules: CrewSettings

    @property
    def customer_hours(self) -> float:
        """Expected customer-hours without power from now on, important customers by their weight."""
        return self.routing.cost / 60.0

    def duty(self, crew: Crew) -> dict[str, str | None]:
        """Return from when until when a crew is on duty; ``None`` for an end that no roster tells."""
        ends = None if crew.until_min == math.inf else (self.at + timedelta(minutes=crew.until_min)).isoformat()
        return {"from": (self.at + timedelta(minutes=crew.begins_min)).isoformat(), "until": ends}

    def _line(self) -> str:
        return f"crews: {len(self.crews)} on {len(self.assignments)} faults, {self.customer_hours:.0f} customer-hours"

    def _table(self) -> pl.DataFrame:
        return self.rows()

    def rows(self) -> pl.DataFrame:
        """Return one row per visit, for people."""
        return pl.DataFrame(
            [vars(visit) | {"sections": "; ".join(", ".join(part) for part in visit.sections)} for visit in self.visits],
            schema={
                "crew_id": pl.String, "number": pl.Int64, "incident": pl.String, "part": pl.String, "sections": pl.String,
                "arrives": pl.Datetime("us"), "switched": pl.Datetime("us"), "done": pl.Datetime("us"),
                "under_way": pl.Boolean,
            },
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the plan for commands and routes."""
        return {
            "at": self.at.isoformat(),
            "incidents": [assignment.as_dict() for assignment in self.assignments],
            "crews": [
                {
                    "crew_id": crew.crew_id,
                    "state": crew.state,
                    "skills": sorted(crew.skills),
                    "zones": sorted(crew.zones),
                    "on_duty": self.duty(crew),
                    "visits": [visit.as_dict() for visit in self.visits if visit.crew_id == crew.crew_id],
                }
                for crew in self.crews
            ],
            "customer_hours": self.customer_hours,
            "nearest_free_customer_hours": self.nearest,
            "greedy_customer_hours": self.greedy,
            "exact": self.routing.exact,
        }


def crew_plan(
    work: OpenWork, faults: Sequence[Fault], chosen: Mapping[str, str] | None = None, without: Iterable[str] = ()
) -> CrewPlan:
    """Return who goes where, so that customers are without power for the fewest hours.

    Crews that are under way or at work stay with what they do, unless a person has chosen another crew for it; all else may
    change with each call.

    Args:
        work: what tables and board say at the moment.
        faults: the open faults.
        chosen: crews that a person has chosen, by incident; skills are kept, zones are not.
        without: crews that are not to be sent.

    Raises:
        UnknownIdError: there is no such crew.
        FudianError: there is no such open incident, or the chosen crew cannot do the work.
    """
    faults = _chosen(work, faults, chosen or {})
    left_out = set(without)
    _require_crews(work, {*left_out, *(chosen or {}).values()})
    crews = [crew for crew in work.crews(faults) if crew.crew_id not in left_out or crew.heading_to]
    crews = [
        _released(crew) if (chosen or {}).get(crew.heading_to or "", crew.crew_id) != crew.crew_id else crew
        for crew in crews
    ]
    visits = visits_of([fault.job for fault in faults], crews, work.travel, come_back=work.rules.come_back)
    found = route(visits, work.rules.search_steps, work.rules.search_limit_s)
    return _Told(work, faults, visits, _in_shifts(visits, found)).plan()


def _released(crew: Crew) -> Crew:
    """Return a crew that a person has taken off what it was under way to."""
    return replace(crew, heading_to=None, under_way_min=0.0, on_site=False)


def _require_crews(work: OpenWork, crews: Iterable[str]) -> None:
    known = set(work.tables["crews"]["crew_id"])
    for crew in crews:
        if crew not in known:
            raise UnknownIdError("crew", crew, sorted(known))


def _chosen(work: OpenWork, faults: Sequence[Fault], chosen: Mapping[str, str]) -> list[Fault]:
    keys = {fault.key for fault in faults}
    for incident, crew_id in chosen.items():
        if incident not in keys:
            raise FudianError(
                text("There is no open incident {incident}.", incident=incident),
                text("Open ones: {known}.", known=", ".join(sorted(keys)) or "–"),
            )
        crew = next((each for each in work.crews(()) if each.crew_id == crew_id), None)
        job = next(fault.job for fault in faults if fault.key == incident)
        if crew is not None and not job.needs <= crew.skills:
            raise FudianError(
                text("Crew {crew} cannot do what {incident} needs: {needs}.", crew=crew_id, incident=incident,
                     needs=", ".join(sorted(job.needs - crew.skills))),
                text("Choose another crew, or correct the skills in the table crews."),
            )  # fmt: skip
    return [
        replace(fault, job=replace(fault.job, crew_id=chosen[fault.key])) if fault.key in chosen else fault
        for fault in faults
    ]


def _in_shifts(visits: Visits, found: Routing) -> Routing:
    """Strike what would begin after the end of a shift, with the repair of what is not switched in time."""
    kept = []
    for crew, way in enumerate(found.routes):
        times = visits.arrivals(crew, way)
        late = {visits.job[visit] for visit, time in zip(way, times, strict=True) if time > visits.until[crew]}
        if visits.locked[crew] >= 0:
            late.discard(visits.locked[crew])
        kept.append([visit for visit in way if visits.job[visit] not in late])
    return replace(found, routes=kept, cost=visits.total(kept)) if kept != found.routes else found


@dataclass(frozen=True, eq=False)
class _Told:
    """Routes in the words of the desk."""

    work: OpenWork
    faults: Sequence[Fault]
    numbers: Visits
    routing: Routing

    def plan(self) -> CrewPlan:
        visits = tuple(each for crew in range(len(self.numbers.crews)) for each in self._visits(crew))
        return CrewPlan(
            self.work.at,
            tuple(self._assignment(number, fault, visits) for number, fault in enumerate(self.faults)),
            self.numbers.crews,
            visits,
            self.routing,
            self.numbers.total(nearest_free(self.numbers)) / 60.0,
            self.numbers.total(most_per_minute(self.numbers)) / 60.0,
            self.work.rules,
        )

    def _moment(self, minutes: float) -> datetime:
        return self.work.at + timedelta(seconds=round(minutes * 60.0))

    def _arrives(self, crew: Crew, fault: Fault, minutes: float) -> datetime:
        """Return when a crew arrives, or did."""
        if crew.on_site and crew.heading_to == fault.key and fault.order:
            arrived: datetime = fault.order["arrive_time"]
            return arrived
        return self._moment(minutes)

    def _visits(self, crew: int) -> Iterable[Visit]:
        numbers, way = self.numbers, self.routing.routes[crew]
        for place, (visit, time) in enumerate(zip(way, numbers.arrivals(crew, way), strict=True)):
            fault = self.faults[numbers.job[visit]]
            left = time + numbers.service[visit]
            switched = left - (fault.job.repair_min if numbers.part[visit] == WHOLE else 0.0)
            gains = fault.job.back_by_switching > 0 and numbers.part[visit] != REPAIR
            yield Visit(
                numbers.crews[crew].crew_id, place + 1, fault.key, PARTS[numbers.part[visit]],
                tuple(fault.sections[each] for each in numbers.order[visit]),
                self._arrives(numbers.crews[crew], fault, time), self._moment(switched) if gains else None,
                self._moment(left),
                numbers.crews[crew].heading_to == fault.key,
            )  # fmt: skip

    def _assignment(self, number: int, fault: Fault, visits: tuple[Visit, ...]) -> Assignment:
        own = tuple(visit for visit in visits if visit.incident == fault.key)
        arrived = fault.order["arrive_time"] if fault.order else None
        arrived = arrived if arrived is not None and arrived <= self.work.at else None
        expected = own[0].arrives if own else None
        clock = arrival_clock(self.work.rules, self.work.at, fault.reported, fault.site, arrived, expected)
        return Assignment(fault, own, clock, self._next_best(number), self._reason(number, own))

    def _reason(self, number: int, own: tuple[Visit, ...]) -> str:
        if not own:
            return "no_shift" if self.numbers.may[:, number].any() else "no_crew"
        if own[0].under_way:
            return "under_way"
        return "chosen" if self.faults[number].job.crew_id else "sent"

    @cached_property
    def _crew_of(self) -> dict[int, int]:
        return {self.numbers.job[visit]: crew for crew, way in enumerate(self.routing.routes) for visit in way}

    def _next_best(self, number: int) -> tuple[str, float] | None:
        """Return who else could go at the fewest customer-hours more, the other visits in their order."""
        numbers, own = self.numbers, self._crew_of.get(number)
        if own is None or number in numbers.locked:
            return None
        way = self.routing.routes[own]
        saved = numbers.cost(own, way) - numbers.cost(own, [each for each in way if numbers.job[each] != number])
        best: tuple[float, int] | None = None
        for crew, other in enumerate(self.routing.routes):
            if crew == own or not numbers.may[crew, number]:
                continue
            now = numbers.cost(crew, other)
            for place in range(1 if numbers.locked[crew] >= 0 else 0, len(other) + 1):
                for visit in numbers.wholes[number]:
                    cost = numbers.cost(crew, [*other[:place], visit, *other[place:]]) - now - saved
                    best = min(best or (cost, crew), (cost, crew))
        return None if best is None else (numbers.crews[best[1]].crew_id, best[0] / 60.0)
