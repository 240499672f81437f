"""Jobs and crews of a moment: what the board holds, what orders say of crews under way, where everything is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import FudianError, Supply
from repair.desk.board import Entry
from repair.desk.crews.clocks import ArrivalClock, arrival_clock, site_of
from repair.desk.crews.travel import Travel
from repair.desk.crews.visits import MOST_STOPS
from repair.desk.crews.work import Crew, Job, Place, Stop
from repair.desk.incidents import ALONE
from repair.desk.switching_plan import back_by_stage
from repair.desk.work_orders import ToldOrders, order_known
from repair.restoration.operation import ON_SITE, REMOTE
from repair.restoration.restorer import RestorationPlan
from repair.settings import CrewSettings, RestorationSettings

PlanOf = Callable[[str], RestorationPlan]
"""How power comes back around a fault on a branch."""


@dataclass(frozen=True)
class Fault:
    """One open fault as the desk sees it, with what makes it a job.

    Attributes:
        key: its key on the board.
        job: what a crew has to do.
        customers: how many customers are off now.
        important: how many of them are important.
        reported: when it was reported, or when it began.
        site: class of the site; ``None`` where nothing tells.
        order: its row of ``orders``, where there is one.
        sections: the branches of each stop.
        remotely: how many customers come back by remote operations, without a crew.
        left_out: probability of the sections that are not on the crew's way.
    """

    key: str
    job: Job
    customers: int
    important: int
    reported: datetime
    site: str | None
    order: Mapping[str, Any] | None
    sections: tuple[tuple[str, ...], ...]
    remotely: int
    left_out: float


@dataclass(frozen=True, eq=False)
class OpenWork:
    """Reads jobs and crews from tables and the board.

    Attributes:
        supply: the state before the faults, of what is in service.
        tables: ``nodes``, ``bases``, ``crews``, ``shifts``, ``travel``, ``orders`` and ``transformers`` of a workspace.
        at: the moment.
        rules: settings.
        plan_of: how power comes back around a fault.
        told: what the sheets say of orders, by incident; see :func:`repair.desk.work_orders.told_orders`.
        positions: longitude and latitude of crews that said where they are.
    """

    supply: Supply
    tables: Mapping[str, pl.DataFrame]
    at: datetime
    rules: CrewSettings
    plan_of: PlanOf
    told: ToldOrders = field(default_factory=dict)
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    # Places ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _nodes(self) -> dict[str, tuple[float, float]]:
        known = self.tables["nodes"].drop_nulls(["lon", "lat"])
        return {node: (lon, lat) for node, lon, lat in known.select("node", "lon", "lat").iter_rows()}

    @cached_property
    def _branches(self) -> dict[str, dict[str, Any]]:
        return {row["branch_id"]: row for row in self.supply.network.branches.to_dicts()}

    @property
    def travel(self) -> Travel:
        """Travel times by the table and the settings."""
        rows = self.tables["travel"].select("from_place", "to_place", "travel_min").iter_rows()
        known = {(origin, destination): minutes for origin, destination, minutes in rows}
        return Travel(self.rules.speed_kmh, self.rules.road_factor, self.rules.unknown_travel_min, known)

    def _of_branches(self, branches: Iterable[str]) -> Place:
        """Return the middle of some branches, by their ends."""
        rows = [self._branches[branch] for branch in branches if branch in self._branches]
        ends = [self._nodes[row[end]] for row in rows for end in ("from_node", "to_node") if row[end] in self._nodes]
        name, feeder = (rows[0]["branch_id"], rows[0]["feeder_id"]) if rows else ("", None)
        if not ends:
            return Place(name, area=feeder)
        lon, lat = (float(each) for each in np.mean(ends, axis=0))
        return Place(name, lon, lat, feeder)

    def _of_transformer(self, transformer_id: str) -> Place:
        row = self.supply.network.transformers.row(
            int(self.supply.network.transformer_index(transformer_id)[0]), named=True
        )
        lon, lat = self._nodes.get(row["node"], (None, None))
        return Place(row["node"], lon, lat, row["feeder_id"])

    # Jobs -----------------------------------------------------------------------------------------------------------

    def faults(self, entries: Iterable[Entry]) -> list[Fault]:
        """Return what crews have to do for each open entry of the board."""
        return [self._fault(entry) for entry in entries]

    @cached_property
    def _orders(self) -> dict[str, dict[str, Any]]:
        """Return the first order of each outage that was made by now."""
        made = self.tables["orders"].filter(
            pl.col("outage_id").is_not_null(), pl.col("parent_id").is_null(), self._by_now("accept_time")
        )
        return {row["outage_id"]: row for row in made.sort("accept_time", descending=True).to_dicts()}

    def _by_now(self, column: str) -> pl.Expr:
        return (pl.col(column) <= self.at).fill_null(value=False)

    def order_of(self, entry: Entry) -> dict[str, Any] | None:
        """Return the order of an entry, where one was made, or a crew was sent to it."""
        names = [entry.record["outage_id"]] if entry.record else []
        row = next((self._orders[name] for name in (*names, entry.key) if name in self._orders), None)
        return order_known(row, self.told.get(entry.key), entry.start)

    def clock(self, entry: Entry) -> ArrivalClock:
        """Return the arrival clock of an entry as it stands, whoever is planned to go."""
        order, region = self.order_of(entry), self._users(entry)["region_class"]
        arrived = order["arrive_time"] if order else None
        reported = (order["accept_time"] if order else None) or entry.start
        site = site_of(order["site_class"] if order else None, region)
        here = arrived if arrived is not None and arrived <= self.at else None
        return arrival_clock(self.rules, self.at, reported, site, here)

    def _fault(self, entry: Entry) -> Fault:
        stops, sections, left_out = self._stops(entry)
        alone = self._is_alone(entry)
        switched, remotely, manual_min = (
            (0, 0, 0.0) if alone else self._switched(entry, sections, stops[0].probability * (1.0 - left_out))
        )
        waiting = max(entry.customers - remotely, 0)
        switched = min(switched, waiting)
        important_weight = RestorationSettings.of(self.supply.network.workspace.settings).important_weight
        heavier = 1.0 + entry.important * (important_weight - 1) / entry.customers if entry.customers else 1.0
        order = self.order_of(entry)
        users = self._users(entry)
        job = Job(
            entry.key, stops, switched * heavier, (waiting - switched) * heavier, manual_min,
            self._repair_min(sections, alone=alone), self._needs(sections, alone=alone), users["unit"],
        )  # fmt: skip
        told = order["site_class"] if order else None
        return Fault(
            entry.key, self._what_is_left(job, order), entry.customers, entry.important,
            order["accept_time"] if order and order["accept_time"] else entry.start,
            site_of(told, users["region_class"]), order, sections, remotely, left_out,
        )  # fmt: skip

    def _is_alone(self, entry: Entry) -> bool:
        if entry.incident is not None:
            return entry.incident.outage.level in ALONE
        record = entry.record or {}
        return not (record.get("branch_id") or record.get("feeder_id"))

    def _stops(self, entry: Entry) -> tuple[tuple[Stop, ...], tuple[tuple[str, ...], ...], float]:
        """Return where the fault may lie, the likeliest first; what is left out is shared out among the others."""
        incident = entry.incident
        if incident is not None and incident.outage.level not in ALONE and incident.location.ranked:
            ranked = [
                each
                for each in incident.location.ranked[:MOST_STOPS]
                if each.probability >= self.rules.least_probability
            ] or [incident.location.ranked[0]]
            told = sum(each.probability for each in ranked)
            stops = tuple(
                Stop(self._of_branches(each.branches), each.probability / told, self._look_min(each.branches))
                for each in ranked
            )
            return stops, tuple(each.branches for each in ranked), max(0.0, 1.0 - told)
        if self._is_alone(entry):
            transformers = entry.affected.hit.transformers or self._transformers_of(entry)
            place = self._of_transformer(transformers[0]) if transformers else Place(entry.key)
            return (Stop(place, 1.0, self.rules.look_min),), ((),), 0.0
        branches = self._named(entry)
        place = self._of_branches(branches) if branches else Place(entry.key)
        return (Stop(place, 1.0, self._look_min(branches)),), (branches,), 0.0

    def _transformers_of(self, entry: Entry) -> list[str]:
        net, customers = self.supply.network, entry.affected.hit.customer_index
        index = net.customer_transformer[customers]
        return net.transformers["transformer_id"].gather(index[index >= 0]).to_list()

    def _named(self, entry: Entry) -> tuple[str, ...]:
        record = entry.record or {}
        if record.get("branch_id"):
            return (record["branch_id"],)
        if record.get("feeder_id"):
            of_feeder = self.supply.network.branches.filter(pl.col("feeder_id") == record["feeder_id"])
            return tuple(of_feeder["branch_id"])
        return (entry.object_id,) if entry.object_id in self._branches else ()

    def _look_min(self, branches: Iterable[str]) -> float:
        """Return minutes to look at a section; where no length is known, only to get an idea of it."""
        km = sum(self._branches[branch]["length_km"] or 0.0 for branch in branches if branch in self._branches)
        return self.rules.look_min + self.rules.patrol_min_per_km * km

    def _repair_min(self, sections: tuple[tuple[str, ...], ...], *, alone: bool) -> float:
        if alone:
            return self.rules.low_voltage_repair_h * 60.0
        told = [
            self._branches[each]["repair_h"] for each in sections[0] if self._branches.get(each, {}).get("repair_h")
        ]
        usual = RestorationSettings.of(self.supply.network.workspace.settings).repair_h
        return 60.0 * (float(np.mean(told)) if told else usual)

    def _needs(self, sections: tuple[tuple[str, ...], ...], *, alone: bool) -> frozenset[str]:
        if alone:
            return frozenset({"low_voltage"})
        kinds = [self._branches[each]["kind"] for each in sections[0] if each in self._branches]
        cables, lines = kinds.count("cable"), kinds.count("line")
        return frozenset({"cable"}) if cables > lines else frozenset()

    def _switched(
        self, entry: Entry, sections: tuple[tuple[str, ...], ...], probability: float
    ) -> tuple[int, int, float]:
        """Return who of those off now is back by switching, who of them without a crew, and minutes on site."""
        if not sections[0]:
            return 0, 0, 0.0
        try:
            plan = self.plan_of(sections[0][0])
        except FudianError:  # nothing can be proven: all wait for the repair
            return 0, 0, 0.0
        back = {
            group.stage: group.customers for group in back_by_stage(plan, self.supply, entry.affected.hit.transformers)
        }
        remote, on_site = (back.get(name, 0) for name in (REMOTE, ON_SITE))
        manual_min = plan.rules.manual_min if on_site else 0.0
        if probability >= self.rules.remote_first_probability:
            return on_site, remote, manual_min
        return remote + on_site, 0, manual_min

    def _users(self, entry: Entry) -> dict[str, str | None]:
        """Return the unit and the region class of most users of an entry."""
        transformers = entry.affected.hit.transformers or self._transformers_of(entry)
        rows = self.supply.network.transformers.filter(pl.col("transformer_id").is_in(transformers))
        most = {name: rows[name].drop_nulls().mode().sort() for name in ("unit", "region_class")}
        return {name: (values[0] if len(values) else None) for name, values in most.items()}

    def _what_is_left(self, job: Job, order: Mapping[str, Any] | None) -> Job:
        """Return a job without what the crew on site has done already, by the time that it is there."""
        if order is None or order["arrive_time"] is None or order["arrive_time"] > self.at:
            return job
        spent = (self.at - order["arrive_time"]).total_seconds() / 60.0
        looks = sum(stop.look_min * stop.probability for stop in job.stops)
        look_left = max(looks - spent, 0.0) / looks if looks else 0.0
        spent = max(spent - looks, 0.0)
        switch_left = max(job.switch_min - spent, 0.0)
        spent = max(spent - job.switch_min, 0.0)
        return replace(
            job,
            stops=tuple(replace(stop, look_min=stop.look_min * look_left) for stop in job.stops),
            switch_min=switch_left,
            repair_min=max(job.repair_min - spent, self.rules.least_repair_min),
        )

    # Crews ----------------------------------------------------------------------------------------------------------

    def crews(self, faults: Iterable[Fault]) -> list[Crew]:
        """Return the crews that are on duty now or later, each with what it is under way to."""
        busy = {
            fault.order["crew_id"]: fault
            for fault in faults
            if fault.order and fault.order["crew_id"] and self._is_past(fault.order["dispatch_time"])
        }
        bases = {row["base_id"]: row for row in self.tables["bases"].to_dicts()}
        found = []
        for row in self.tables["crews"].to_dicts():
            duty = self._duty(row["crew_id"])
            if duty is None and row["crew_id"] not in busy:
                continue
            begins, ends = duty or (0.0, 0.0)
            base = bases.get(row["base_id"] or "", {"lon": None, "lat": None})
            told = self.positions.get(row["crew_id"], (row["lon"], row["lat"]))
            is_told = None not in told
            lon, lat = told if is_told else (base["lon"], base["lat"])
            place = Place(row["base_id"] if row["base_id"] and not is_told else row["crew_id"], lon, lat)
            crew = Crew(
                row["crew_id"], place, begins if is_told else begins + self.rules.turnout_min, ends,
                self._skills(row), self._zones(row), begins_min=begins,
            )  # fmt: skip
            found.append(self._under_way(crew, busy.get(row["crew_id"])))
        return found

    def _is_past(self, moment: datetime | None) -> bool:
        return moment is not None and moment <= self.at

    def _under_way(self, crew: Crew, fault: Fault | None) -> Crew:
        if fault is None or fault.order is None:
            return crew
        since = (self.at - fault.order["dispatch_time"]).total_seconds() / 60.0
        on_site = self._is_past(fault.order["arrive_time"])
        under_way = max(since - self.rules.turnout_min, 0.0)
        free = 0.0 if on_site else max(self.rules.turnout_min - since, 0.0)
        return replace(crew, free_min=free, heading_to=fault.key, under_way_min=under_way, on_site=on_site)

    def _skills(self, row: Mapping[str, Any]) -> frozenset[str]:
        skills = {name for name in ("live_line", "cable", "low_voltage") if row[name]}
        return frozenset(skills | _words(row["vehicles"]))

    def _zones(self, row: Mapping[str, Any]) -> frozenset[str]:
        if not self.rules.keep_zones:
            return frozenset()
        return frozenset(_words(row["zones"]) or ({row["unit"]} if row["unit"] else set()))

    def _duty(self, crew_id: str) -> tuple[float, float] | None:
        """Return minutes from now until a crew's shift begins and ends; ``None`` where it has no shift within a day.

        Outside the days that the roster tells of, and where it never names a crew, the crew is taken to be on duty.
        """
        roster = self.tables["shifts"]
        rows = roster.filter(pl.col("crew_id") == crew_id).sort("start")
        if rows.is_empty() or not roster["start"].min() <= self.at <= roster["end"].max():  # type: ignore[operator]
            return 0.0, float("inf")
        ahead = rows.filter(pl.col("end") > self.at, pl.col("start") < self.at + timedelta(days=1))
        if ahead.is_empty():
            return None
        start, end = ahead["start"][0], ahead["end"][0]
        for begins, ends in zip(ahead["start"][1:], ahead["end"][1:], strict=True):
            end = max(end, ends) if begins <= end else end
        minutes = [(moment - self.at).total_seconds() / 60.0 for moment in (start, end)]
        return max(minutes[0], 0.0), minutes[1]


def _words(told: str | None) -> set[str]:
    return {each.strip() for each in (told or "").replace("，", ",").replace("、", ",").split(",") if each.strip()}
