"""What all checks of planned outages share: the plans to come, what each costs, and the rules and records that they must keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, KeysView, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

import numpy as np
import polars as pl

from network import FudianError, Network, Supply, Text, UnknownIdError, text
from network.arrays import Indices, Mask
from network.ids import each_of
from network.model import serving
from network.representation import Shown
from network.steps import step
from network.tables.as_of import known_until
from reliability.frequent import PRESETS, Preset, outages_that_count
from reliability.live_items import LIVE_ITEMS
from reliability.repeat import binds, rooms
from reliability.statistics import Statistics
from reliability.steering.budget import Budget, budgets
from reliability.steering.durations import History
from repair.affected import Affected, affected_by_transformers
from repair.planned.planned_work import Work, WorkOutage, outage_of
from repair.restoration.restorer import Restorer
from repair.settings import InferenceSettings, PlannedSettings

Answer = TypeVar("Answer")

NO_UNIT = ""
"""Stands for the unit of users that have none."""


@dataclass(frozen=True)
class Cost:
    """What an outage takes, in minutes of medium-voltage users; whole, so that sums are exact.

    Attributes:
        user_minutes: of all users.
        by_unit: of the users of each unit.
        interruptions: users that lose supply at all.
        switching_by_unit: what of it is the switching, half of it at the start and half at the end.
    """

    user_minutes: int
    by_unit: Mapping[str, int]
    interruptions: int
    switching_by_unit: Mapping[str, int] = field(default_factory=dict)

    def hours_by_month(self, start: datetime, minutes: int) -> dict[tuple[str, int, int], float]:
        """Return the customer-hours of each unit in each month, by unit, year and month.

        Args:
            start: when the outage begins.
            minutes: how long it lasts.
        """
        end = start + timedelta(minutes=minutes)
        edges = [start]
        while (following := _next_month(edges[-1])) < end:
            edges.append(following)
        found: dict[tuple[str, int, int], float] = {}
        for unit, all_minutes in self.by_unit.items():
            switching = self.switching_by_unit.get(unit, 0)
            for since, until in zip(edges, (*edges[1:], end), strict=True):
                share = (until - since) / timedelta(minutes=minutes) if minutes else 1.0
                own = (all_minutes - switching) * share + switching / 2 * ((since == start) + (until == end))
                found[unit, since.year, since.month] = own / 60.0
        return found

    @property
    def customer_hours(self) -> float:
        """Customer-hours of medium-voltage users 停电时户数."""
        return self.user_minutes / 60.0


def _next_month(moment: datetime) -> datetime:
    return datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1)


@dataclass(frozen=True, eq=False, repr=False)
class Job(Shown):
    """A plan that can be computed.

    Attributes:
        row: the row of ``plans``.
        outage: who is off by it.
        before: what it takes if nobody is transferred.
        after: what it takes with transfer.
        approved: whether it is approved already.
    """

    row: Mapping[str, Any]
    outage: WorkOutage
    before: Cost
    after: Cost
    approved: bool

    @property
    def plan_id(self) -> str:
        """The plan."""
        return str(self.row["plan_id"])

    @property
    def start(self) -> datetime:
        """Planned start."""
        start: datetime = self.row["start"]
        return start

    @cached_property
    def minutes(self) -> int:
        """Planned length, in whole minutes."""
        length: timedelta = self.row["end"] - self.row["start"]
        return round(length / timedelta(minutes=1))

    @property
    def named_item(self) -> int | None:
        """The live-line item that the plan names, where there is such an item."""
        item: int | None = self.row["live_line_item"]
        return item if item in LIVE_ITEMS else None

    @property
    def is_temporary(self) -> bool:
        """Whether it is a temporary outage 临时停电."""
        return (self.row["nature"] or "").startswith("P-TEMP")

    @property
    def commits(self) -> bool:
        """Whether it takes customer-hours that cannot be given to others: an approved outage."""
        return self.approved and self.needs_outage

    @cached_property
    def hours_by_year(self) -> dict[tuple[str, int], float]:
        """Customer-hours with transfer, by unit and year."""
        found: dict[tuple[str, int], float] = {}
        for (unit, year, _), hours in self.after.hours_by_month(self.start, self.minutes).items():
            found[unit, year] = found.get((unit, year), 0.0) + hours
        return found

    @property
    def needs_outage(self) -> bool:
        """Whether no live-line item is named that could do the work."""
        return self.named_item is None


@dataclass(eq=False, repr=False)
class PlanDesk(Shown):
    """The plans to come over one network and its records; many threads may ask it at once.

    Attributes:
        statistics: of the workspace.
        plans: rows of the table ``plans``; by default those of the workspace.
        rules: the settings.
        as_of: nothing later is known.
        left_out: how many plans are over at the as-of time, or should have begun before it and were not approved; how many are
            void; and how many are under way.
        gone: which of the three each of them is, by id.
        going_on: rows of the plans under way.
        present: the state of the switches in which the work is planned; ``None`` for the normal one.
    """

    statistics: Statistics
    plans: pl.DataFrame
    rules: PlannedSettings
    as_of: datetime
    left_out: Mapping[str, int]
    gone: Mapping[str, str] = field(default_factory=dict)
    going_on: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    present: Supply | None = None
    _answers: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _merged: dict[frozenset[str], tuple[WorkOutage, Cost]] = field(default_factory=dict, repr=False)
    _outages: dict[Work, WorkOutage] = field(default_factory=dict, repr=False)
    _parts: dict[Hashable, WorkOutage] = field(default_factory=dict, repr=False)
    _searching: RLock = field(default_factory=RLock, repr=False)

    @classmethod
    def of(
        cls, statistics: Statistics, plans: pl.DataFrame | None = None, settings: PlannedSettings | None = None,
        as_of: datetime | None = None, present: Supply | None = None,
    ) -> PlanDesk:  # fmt: skip
        """Gather the plans to come: those that begin after the as-of time and are not void.

        Seen from a moment in the past a plan that was carried out since was still to come, and one that was applied for since
        was not there yet.

        Args:
            statistics: of the workspace.
            plans: plans from elsewhere, in the form of the table; they stand beside those of the workspace, and replace those
                of the same id.
            settings: rules.
            as_of: nothing later is known.
            present: the state of the switches in which the work is planned; by default the normal one.
        """
        workspace = statistics.net.workspace
        own = workspace.tables["plans"]
        if plans is not None:
            others = own.filter(~pl.col("plan_id").is_in(plans["plan_id"].implode()))
            own = pl.concat([plans, others], how="diagonal")
        rules = settings or PlannedSettings.of(workspace.settings)
        known = as_of or known_until(workspace)
        carried_out_since = (pl.col("actual_start") >= known).fill_null(value=False)
        void = pl.col("status").is_in(list(rules.void_states)).fill_null(value=False) & ~carried_out_since
        own = own.filter((pl.col("applied_at") <= known).fill_null(value=True))
        to_come = own.filter(pl.col("start") >= known)
        wanted = to_come.filter(~void).sort("start", "plan_id")
        waiting = pl.col("status").is_in(InferenceSettings.of(workspace.settings).not_approved).fill_null(value=False)
        begun = (pl.col("start") < known) & (pl.col("end") > known)
        going_on = own.filter(begun & ~void & ~waiting).sort("start", "plan_id")
        left_out = {
            "past": own.height - to_come.height - going_on.height,
            "void": to_come.height - wanted.height,
            "under_way": going_on.height,
        }
        gone = dict.fromkeys(own["plan_id"], "past") | dict.fromkeys(to_come["plan_id"], "void")
        gone |= dict.fromkeys(going_on["plan_id"], "under_way")
        for plan_id in wanted["plan_id"]:
            gone.pop(plan_id, None)
        return cls(statistics, wanted, rules, known, left_out, gone, going_on, present)

    def require(self, plan_ids: str | Iterable[str]) -> None:
        """Let through ids of plans to come.

        Raises:
            UnknownIdError: there is no such plan.
            FudianError: there is, but it is past, void or under way.
        """
        known = self.plans["plan_id"].to_list()
        for each in each_of(plan_ids):
            if each in known:
                continue
            if each not in self.gone:
                raise UnknownIdError("plan", each, known)
            if self.gone[each] == "void":
                raise FudianError(
                    text("Plan {plan} is void by its state, so it is not looked at.", plan=each),
                    text("Correct its state, or void_states in the settings."),
                )
            if self.gone[each] == "under_way":
                raise FudianError(
                    text(
                        "Plan {plan} is under way at {moment}: it is not checked any more.",
                        plan=each,
                        moment=self.as_of,
                    ),
                    text("Ask as of an earlier time."),
                )
            raise FudianError(
                text("Plan {plan} lies before {moment}, so it is not looked at.", plan=each, moment=self.as_of),
                text("Ask as of an earlier time."),
            )

    def remember(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """Return the answer under a key, made once."""
        if key not in self._answers:
            self._answers[key] = make()
        found: Answer = self._answers[key]
        return found

    @property
    def net(self) -> Network:
        """The network."""
        return self.statistics.net

    @cached_property
    def supply(self) -> Supply:
        """Supply in the state in which the work is planned, of what is in service then."""
        return self.present or self.net.in_service(self.as_of).energise()

    @cached_property
    def restorer(self) -> Restorer:
        """The engine that plans transfers."""
        return Restorer.for_planning(self.supply)

    @cached_property
    def serving(self) -> Mask:
        """Whether each transformer is in service at the as-of time, shape (transformers,)."""
        return serving(self.net.transformers, self.as_of)

    @cached_property
    def durations(self) -> History:
        """How long the plans took that were carried out."""
        return History.of(self.net, self.as_of)

    @property
    def users(self) -> int:
        """Medium-voltage users in service at the as-of time: N_T of what a plan adds to SAIDI."""
        return int(self.serving.sum())

    # Costs --------------------------------------------------------------------------------------------------------

    def cost(self, off: Indices, touched: Indices, minutes: int, unit: str | None) -> Cost:
        """Return what an outage takes.

        Args:
            off: transformers that are off for as long as the work lasts.
            touched: transformers that lose supply at all; the others among them are off while they are switched, there and back.
            minutes: how long the work lasts.
            unit: stands in where a transformer names none.
        """
        off, touched = off[self.serving[off]], touched[self.serving[touched]]
        brief = np.setdiff1d(touched, off)
        switching = round(2 * self.rules.transfer_min)
        by_unit: dict[str, int] = {}
        switching_by_unit: dict[str, int] = {}
        for index, each in ((off, minutes), (brief, switching)):
            units, other = self._units, unit or NO_UNIT
            counts = Counter(other if units[at] is None else units[at] for at in index.tolist())
            for name, count in counts.items():
                by_unit[name] = by_unit.get(name, 0) + count * each
                if index is brief:
                    switching_by_unit[name] = count * each
        return Cost(sum(by_unit.values()), by_unit, len(touched), switching_by_unit)

    @cached_property
    def _units(self) -> list[str | None]:
        """The unit of each transformer."""
        units: list[str | None] = self.net.transformers["unit"].to_list()
        return units

    def hours_by_transformer(self, job: Job) -> dict[str, float]:
        """Return for how many hours a job cuts off each transformer: the customer-hours of its cost, one by one."""
        return self.hours_of(job.outage.after, job.outage.touched, job.minutes)

    def longest_by_transformer(self, job: Job) -> dict[str, float]:
        """Return for how many hours at a stretch a job cuts off each transformer: those transferred, briefly."""
        hours, ids = self.hours_by_transformer(job), self.net.transformers["transformer_id"]
        off = set(ids.gather(np.sort(job.outage.after.hit.transformer_index)).to_list())
        return {each: known if each in off else self.rules.transfer_min / 60.0 for each, known in hours.items()}

    def hours_of(self, affected: Affected, touched: Indices, minutes: int) -> dict[str, float]:
        """Return for how many hours an outage cuts off each transformer in service.

        Args:
            affected: who is off for as long as the work lasts.
            touched: transformers that lose supply at all; the others among them are off while they are switched, there and back.
            minutes: how long the work lasts.
        """
        off = np.sort(affected.hit.transformer_index)
        off, touched = off[self.serving[off]], touched[self.serving[touched]]
        ids = self.net.transformers["transformer_id"]
        switching_h = round(2 * self.rules.transfer_min) / 60.0
        brief = dict.fromkeys(ids.gather(np.setdiff1d(touched, off)).to_list(), switching_h)
        return brief | dict.fromkeys(ids.gather(off).to_list(), minutes / 60.0)

    def outage_of(self, work: Work) -> WorkOutage:
        """Return the outage of some work, found once: many plans name the same place.

        Raises:
            FudianError: it cannot be parted from a source.
        """
        key = Work(tuple(sorted(work.branches)), tuple(sorted(work.transformers)))
        with self._searching:
            if key not in self._outages:
                self._outages[key] = outage_of(self.restorer, work, known=self._parts)
            return self._outages[key]

    def merged(self, jobs: Iterable[Job]) -> tuple[WorkOutage, Cost]:
        """Return the outage of several jobs done at once by crews that work side by side: it lasts as long as the longest.

        Raises:
            FudianError: their works together cannot be parted from a source.
        """
        together = list(jobs)
        if len(together) == 1:
            return together[0].outage, together[0].after
        key = frozenset(job.plan_id for job in together)
        if key not in self._merged:
            work = together[0].outage.work
            for job in together[1:]:
                work |= job.outage.work
            found = self.outage_of(work)
            minutes = max(job.minutes for job in together)
            unit = together[0].row["unit"]
            off = np.sort(found.after.hit.transformer_index)
            self._merged[key] = found, self.cost(off, found.touched, minutes, unit)
        return self._merged[key]

    def low_voltage_hours(self, affected: Affected, touched: Indices, minutes: int) -> float | None:
        """Return the customer-hours of low-voltage customers; ``None`` without a table of customers."""
        if self.net.customers.is_empty():
            return None
        ids = self.net.transformers["transformer_id"].gather(touched).to_list()
        brief = affected_by_transformers(self.supply, ids).customer_count - affected.customer_count
        return (affected.customer_count * minutes + brief * round(2 * self.rules.transfer_min)) / 60.0

    # Plans --------------------------------------------------------------------------------------------------------

    @property
    def _judged(self) -> tuple[dict[str, Job], dict[str, FudianError]]:
        return self.remember("judged", self._judge)

    def _judge(self) -> tuple[dict[str, Job], dict[str, FudianError]]:
        jobs: dict[str, Job] = {}
        refused: dict[str, FudianError] = {}
        not_approved = set(InferenceSettings.of(self.net.workspace.settings).not_approved)
        for at, row in enumerate(self.plans.iter_rows(named=True)):
            step(text("outages of plans"), at, self.plans.height)
            try:
                jobs[row["plan_id"]] = self._job(row, row["status"] not in not_approved and row["status"] is not None)
            except FudianError as refusal:
                refused[row["plan_id"]] = refusal
        return jobs, refused

    def _job(self, row: Mapping[str, Any], approved: bool) -> Job:
        if row["end"] <= row["start"]:
            raise FudianError(text("The plan ends before it starts."), text("Correct start or end."))
        outage = self.outage_of(Work.of(self.net, row))
        minutes = round((row["end"] - row["start"]) / timedelta(minutes=1))
        before, after = (np.sort(each.hit.transformer_index) for each in (outage.before, outage.after))
        return Job(
            row,
            outage,
            self.cost(before, outage.touched_before, minutes, row["unit"]),
            self.cost(after, outage.touched, minutes, row["unit"]),
            approved,
        )

    @cached_property
    def _under_way(self) -> tuple[list[Job], dict[str, FudianError]]:
        jobs: list[Job] = []
        refused: dict[str, FudianError] = {}
        for row in self.going_on.to_dicts():
            try:
                jobs.append(self._job(row | {"start": self.as_of}, approved=True))
            except FudianError as refusal:
                refused[row["plan_id"]] = refusal
        return jobs, refused

    @property
    def under_way(self) -> list[Job]:
        """What is left of the plans that go on at the as-of time: each as a job that begins then."""
        return self._under_way[0]

    @property
    def jobs(self) -> dict[str, Job]:
        """The plans that can be computed, by id, in the order of their starts."""
        return self._judged[0]

    @property
    def refused(self) -> dict[str, FudianError]:
        """Why the others cannot be computed, by id."""
        return self._judged[1]

    def job(self, plan_id: str) -> Job:
        """Return one plan.

        Raises:
            UnknownIdError: there is no such plan to come.
            FudianError: it cannot be computed.
        """
        if plan_id in self.refused:
            raise self.refused[plan_id]
        if plan_id not in self.jobs:
            raise UnknownIdError("plan", plan_id, list(self.jobs))
        return self.jobs[plan_id]

    def voltage_kv(self, job: Job) -> float:
        """Return the nominal voltage of the line that a plan works on."""
        net = self.net
        if job.outage.work.branches:
            return self.restorer.loads.voltage_kv(net.branch_index(job.outage.work.branches))
        labels = net.transformer_feeder.gather(net.transformer_index(job.outage.work.transformers)).drop_nulls()
        known = net.feeders.filter(pl.col("feeder_id").is_in(labels.implode()))["voltage_kv"].drop_nulls()
        return float(known[0]) if len(known) else self.restorer.loads.rules.voltage_kv

    # Rules --------------------------------------------------------------------------------------------------------

    def budget_of(self, unit: str, year: int, without: str | None = None) -> Budget | None:
        """Return the budget of a unit in a year; what approved outages will use is committed, but for one of them."""
        committed = self._committed.get((unit, year), 0.0)
        if without is not None and without in self.jobs and self.jobs[without].commits:
            committed -= self.jobs[without].hours_by_year.get((unit, year), 0.0)
        found = self._budgets(year).get(unit)
        return None if found is None else Budget(**{**vars(found), "committed_ch": max(committed, 0.0)})

    @cached_property
    def committed_by_month(self) -> dict[tuple[str, int, int], float]:
        """Customer-hours of approved outages, and what is left of those under way, by unit, year and month."""
        found: dict[tuple[str, int, int], float] = {}
        for job in (*self.under_way, *self.jobs.values()):
            if job.commits:
                for key, hours in job.after.hours_by_month(job.start, job.minutes).items():
                    found[key] = found.get(key, 0.0) + hours
        return found

    @cached_property
    def _committed(self) -> dict[tuple[str, int], float]:
        """The same by unit and year."""
        found: dict[tuple[str, int], float] = {}
        for (unit, year, _), hours in self.committed_by_month.items():
            found[unit, year] = found.get((unit, year), 0.0) + hours
        return found

    def _budgets(self, year: int) -> dict[str, Budget]:
        if year not in self._by_year:
            self._by_year[year] = budgets(self.statistics, year, self.as_of)
        return self._by_year[year]

    @cached_property
    def _by_year(self) -> dict[int, dict[str, Budget]]:
        return {}

    @property
    def frequent_rules(self) -> Preset:
        """The rules of frequent outages that plans must keep."""
        return PRESETS[self.rules.frequent_preset]

    @cached_property
    def history(self) -> pl.DataFrame:
        """The outages of each user that the rules count so far: ``user_id``, ``outage_id``, ``nature``, ``start``."""
        return outages_that_count(self.statistics, self.frequent_rules, self.as_of)

    @property
    def _rows_of_history(self) -> Mapping[str, list[int]]:
        """The rows of each user in :attr:`history`."""

        def find() -> dict[str, list[int]]:
            found: dict[str, list[int]] = {}
            for at, user in enumerate(self.history["user_id"]):
                found.setdefault(user, []).append(at)
            return found

        return self.remember("rows_of_history", find)

    def counting(self, outage: WorkOutage) -> KeysView[str]:
        """Return the users for whom the rules count an outage; nobody where it cuts off a single one."""
        return self.remember(("counting", outage), lambda: self._counting(outage))

    def _counting(self, outage: WorkOutage) -> KeysView[str]:
        rules = self.frequent_rules
        brief = self.rules.transfer_min < rules.shortest_min
        index = np.sort(outage.after.hit.transformer_index) if brief else outage.touched
        index = index[self.serving[index]]
        public = self.net.transformers["public"].gather(index).fill_null(value=True)
        if rules.without_single_user and len(index) == 1 and not public[0]:
            return dict[str, None]().keys()
        return dict.fromkeys(self.net.transformers["transformer_id"].gather(index).to_list()).keys()

    def breaches(self, job: Job) -> pl.DataFrame:
        """Return the users whom a plan cuts off once too often, counting records and approved outages to come.

        Returns:
            Columns ``user_id``, ``rule``, ``since``, ``until`` (exclusive), ``most``.
        """
        rules, start, nature = self.frequent_rules, job.start, job.row["nature"]
        near = timedelta(hours=rules.merge_h)
        users = self.counting(job.outage)
        planned = [
            {"user_id": user, "outage_id": other.plan_id, "nature": other.row["nature"], "start": other.start}
            for other in self.jobs.values()
            if other.approved
            and other.needs_outage
            and other.plan_id != job.plan_id
            and abs(other.start - start) >= near
            for user in users & self.counting(other.outage)
        ]
        places = [at for user in users for at in self._rows_of_history.get(user, ())]
        kept = pl.concat([self.history[places], pl.DataFrame(planned, schema=self.history.schema)])
        left = rooms(kept, rules, [start], self.voltage_kv(job))
        full = left.filter(
            pl.col("user_id").is_not_null()
            & (pl.col("since") <= start) & (pl.col("until") > start) & (pl.col("left") == 0)
        ).filter(pl.col("rule").map_elements(lambda rule: binds(rules, rule, nature), return_dtype=pl.Boolean))  # fmt: skip
        return (
            full.sort("user_id", "rule", "since")
            .unique(["user_id", "rule"], keep="first", maintain_order=True)
            .drop("left")
        )

    def in_the_way(self, job: Job) -> list[Job]:
        """Return the other outages to come that overlap a plan in time and cannot be at the same time as it is calculated."""
        return [
            other
            for other in (*self.under_way, *self.jobs.values())
            if other is not job and other.needs_outage and other.start < job.row["end"] and job.start < other.row["end"]
            and job.outage.ways.shared(other.outage.ways)
        ]  # fmt: skip

    def on_holiday(self, start: datetime, end: datetime) -> bool:
        """Return whether a time touches a day on which nobody is cut off for planned work."""
        days = (end.date() - start.date()).days
        return any(start.date() + timedelta(days=each) in set(self.rules.holidays) for each in range(days + 1))

    def in_peak(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return the hours of peak load that a time overlaps, as the settings write them."""
        found = []
        for span in self.rules.peak_hours:
            first, last = (timedelta(hours=int(part[:2]), minutes=int(part[3:])) for part in span.split("-"))
            last += timedelta(days=1) if last <= first else timedelta(0)
            days = (end.date() - start.date()).days
            midnights = [
                datetime.combine(start.date(), datetime.min.time()) + timedelta(days=each)
                for each in range(-1, days + 1)
            ]
            if any(start < midnight + last and end > midnight + first for midnight in midnights):
                found.append(span)
        return tuple(found)

    @property
    def basis(self) -> tuple[Text, ...]:
        """What the figures rest on."""
        said = [
            text("medium-voltage users in service at {moment}: {count}", moment=self.as_of, count=self.users),
            text(
                "those who are transferred are off for {minutes:g} minutes there and as long back (transfer_min)",
                minutes=self.rules.transfer_min,
            ),
        ]
        if self.under_way:
            said.append(text(
                "under way: {plans}; what is left of them is {hours:.1f} customer-hours, and they keep their crews and ways",
                plans=", ".join(job.plan_id for job in self.under_way),
                hours=sum(job.after.customer_hours for job in self.under_way if job.needs_outage),
            ))  # fmt: skip
        for plan, refusal in self._under_way[1].items():
            said.append(text("{plan} is under way and cannot be computed: {reason}", plan=plan, reason=refusal.message))
        if not self.rules.holidays:
            said.append(text("no holidays are named in the settings, so none is kept free"))
        return tuple(said)
