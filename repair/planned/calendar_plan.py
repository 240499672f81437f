"""The calendar of planned outages 停电计划综合平衡: all plans on the days and in the groups that cost the fewest hours.

Every plan may move within its dates (``earliest_start`` and ``latest_end``; without them by ``shift_days`` either way) and keeps
its time of day; jobs whose outage areas hang together may be done in one outage (:mod:`repair.planned.merging`).
What must be kept: the
crews of each unit, budgets of month and year, the rules of frequent outages with what users have already had, the notice to
users, and holidays; and outages at the same time keep out of each other's way. Day and group of every plan are chosen together
(:mod:`repair.planned.calendar_search`). A plan for which there is no day is said, with the reason, and never dropped in silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import Problem, Text, listed, text
from network.representation import Shown
from reliability.notice import notice_of
from repair.planned.calendar_rules import OVER_BUDGET, OVER_CREWS, SAME_WAYS, TOO_OFTEN, WITHIN, Rule, rules_of
from repair.planned.calendar_search import Choice, Search
from repair.planned.merging import Group, candidates
from repair.planned.plan_desk import Job, PlanDesk
from repair.planned.precheck import under_way_dicts

HOLIDAY, NOTICE, DATES = "holiday", "notice", "dates"
REASONS = {
    HOLIDAY: text("a holiday"),
    NOTICE: text("users cannot be told in time"),
    DATES: text("outside the dates of the plan"),
    OVER_CREWS: text("too few crews"),
    OVER_BUDGET: text("over the budget"),
    TOO_OFTEN: text("users off once too often"),
    SAME_WAYS: text("another outage needs the same ways at that time"),
}
"""Why a day is not allowed, or a rule is broken."""


@dataclass(frozen=True, eq=False, repr=False)
class Option(Shown):
    """A group on a day.

    Attributes:
        group: the jobs.
        start: when the outage begins: on the day, at the earliest time of day of its jobs.
        against: code of :data:`REASONS` for which the day is not allowed, or ``None``.
    """

    group: Group
    start: datetime
    against: str | None

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(minutes=self.group.minutes)

    @property
    def moved_days(self) -> int:
        """By how many days its jobs are moved, in all."""
        return sum(abs((self.start.date() - job.start.date()).days) for job in self.group.jobs)


@dataclass(frozen=True, eq=False, repr=False)
class Entry(Shown):
    """One outage of the calendar.

    Attributes:
        option: the group and its day.
    """

    option: Option

    def as_dict(self) -> dict[str, Any]:
        """Return the outage with what became of its plans."""
        group = self.option.group
        return {
            "plan_ids": list(group.plan_ids),
            "start": self.option.start.isoformat(),
            "end": self.option.end.isoformat(),
            "unit": group.jobs[0].row["unit"],
            "ch": group.cost.customer_hours,
            "separate_ch": group.separate_minutes / 60.0,
            "saving_ch": group.saving_ch,
            "transformers": len(group.outage.after.hit.transformer_index),
            "merged": len(group.jobs) > 1,
            "moved": {job.plan_id: (self.option.start.date() - job.start.date()).days for job in group.jobs},
        }


@dataclass(frozen=True, eq=False, repr=False)
class CalendarPlan(Shown):
    """The best calendar, beside the one that was submitted.

    Attributes:
        desk: what the plans share.
        jobs: the plans in it, as submitted.
        entries: the outages, by their starts.
        unscheduled: plans for which there is no day, and why.
        live: plans that name a live-line item and need no outage; they are not in the calendar.
        uncomputed: plans that cannot be computed, and why.
        broken: what the submitted calendar breaks.
        best: whether no better calendar exists.
        unscheduled_at_least: so many plans have no day in any calendar of these groups.
        planned_ch_at_least: customer-hours of the cheapest outages for the same plans, if no rule held between them.
        remarks: what was not checked, or assumed.
    """

    desk: PlanDesk
    jobs: tuple[Job, ...]
    entries: tuple[Entry, ...]
    unscheduled: tuple[tuple[Job, Text], ...]
    live: tuple[Job, ...]
    uncomputed: tuple[tuple[str, Text], ...]
    broken: tuple[Text, ...]
    best: bool
    unscheduled_at_least: int
    planned_ch_at_least: float
    remarks: tuple[Text, ...]

    @property
    def submitted_ch(self) -> float:
        """Customer-hours of the plans as submitted, one by one."""
        return sum(job.after.user_minutes for job in self.jobs) / 60.0

    @property
    def unscheduled_ch(self) -> float:
        """Those of them that have no day."""
        return sum(job.after.user_minutes for job, _ in self.unscheduled) / 60.0

    @cached_property
    def planned_ch(self) -> float:
        """Customer-hours of the calendar."""
        return sum(entry.option.group.cost.user_minutes for entry in self.entries) / 60.0

    @property
    def saving_ch(self) -> float:
        """What the calendar saves; a plan without a day saves nothing."""
        return self.submitted_ch - self.unscheduled_ch - self.planned_ch

    @property
    def doubt(self) -> Text | None:
        """What could be better at most, where it is not known that nothing is."""
        if self.best:
            return None
        return text(
            "It is not proven that no better calendar exists: at least {count} plans have no day in any, {left} in this one; "
            "the outages of the others take at least {hours} customer-hours, {planned} in this one.",
            count=self.unscheduled_at_least,
            left=len(self.unscheduled),
            hours=f"{self.planned_ch_at_least:,.1f}",
            planned=f"{self.planned_ch:,.1f}",
        )

    @property
    def live_ch(self) -> float:
        """What the plans that go live would have cost."""
        return sum(job.after.user_minutes for job in self.live) / 60.0

    def as_dict(self, language: str = "en", rejected: Iterable[Problem] = ()) -> dict[str, Any]:
        """Return the calendar in the form of commands and routes.

        Args:
            language: ``en`` or ``zh``.
            rejected: what is wrong with rows of the table.
        """
        return {
            "as_of": self.desk.as_of.isoformat(),
            "submitted_ch": self.submitted_ch,
            "planned_ch": self.planned_ch,
            "saving_ch": self.saving_ch,
            "unscheduled_ch": self.unscheduled_ch,
            "saidi_saved_h": self.saving_ch / self.desk.users if self.desk.users else None,
            "entries": [entry.as_dict() for entry in self.entries],
            "unscheduled": [
                {"plan_id": job.plan_id, "ch": job.after.customer_hours, "reason": why.in_language(language)}
                for job, why in self.unscheduled
            ],
            "live": [
                {"plan_id": job.plan_id, "live_line_item": job.named_item, "saved_ch": job.after.customer_hours}
                for job in self.live
            ],
            "uncomputed": [{"plan_id": plan, "reason": why.in_language(language)} for plan, why in self.uncomputed],
            "broken_as_submitted": [each.in_language(language) for each in self.broken],
            "best": self.best,
            "unscheduled_at_least": self.unscheduled_at_least,
            "planned_ch_at_least": self.planned_ch_at_least,
            "under_way": under_way_dicts(self.desk),
            "remarks": [remark.in_language(language) for remark in self.remarks],
            "rejected": [each.as_dict(language) for each in rejected],
        }


def calendar_plan(desk: PlanDesk, live_as_outage: bool = False) -> CalendarPlan:
    """Return the calendar with the fewest plans left over, then the fewest customer-hours, interruptions and moved days.

    Args:
        desk: the plans and what they share.
        live_as_outage: whether plans that name a live-line item stand in the calendar as outages, too.
    """
    every = list(desk.jobs.values())
    live = tuple(job for job in every if not (job.needs_outage or live_as_outage))
    jobs = tuple(job for job in every if job not in live)
    groups = candidates(desk, jobs)
    options = calendar_options(desk, groups.groups)
    rules = rules_of(desk, [(each.group, each.start) for each in options])
    found = Search(len(jobs), calendar_choices(jobs, options), rules.rules, desk.rules.solver_nodes).found()
    taken = [options[each] for each in found.taken]
    scheduled = {plan for option in taken for plan in option.group.plan_ids}
    left_over = [job for job in jobs if job.plan_id not in scheduled]
    remarks = [*rules.remarks, *_over(rules.guides, options, found.taken)]
    if not groups.complete:
        remarks.append(text("there are more groups of jobs than were tried: a cheaper calendar may exist"))
    return CalendarPlan(
        desk,
        jobs,
        tuple(Entry(option) for option in sorted(taken, key=lambda each: (each.start, each.group.plan_ids))),
        tuple(_reasons(left_over, options, rules.rules)),
        live,
        tuple((plan, refusal.message) for plan, refusal in desk.refused.items()),
        tuple(_broken(options, (*rules.rules, *rules.guides))),
        found.best and groups.complete,
        found.left_over_at_least,
        found.minutes_at_least / 60.0,
        tuple(remarks),
    )


def rows_of(plan: CalendarPlan) -> pl.DataFrame:
    """Return one row per outage for people: when, which plans, what it costs, and by how many days its plans are moved."""
    columns: dict[str, Any] = {
        "start": pl.Datetime("us"), "end": pl.Datetime("us"), "plans": pl.String, "unit": pl.String, "transformers": pl.Int64,
        "moved_days": pl.Int64, "separate_ch": pl.Float64, "ch": pl.Float64, "saving_ch": pl.Float64,
    }  # fmt: skip
    rows = [
        entry.as_dict()
        | {
            "start": entry.option.start,
            "end": entry.option.end,
            "plans": ", ".join(entry.option.group.plan_ids),
            "moved_days": entry.option.moved_days,
        }
        for entry in plan.entries
    ]
    return pl.DataFrame([{name: row[name] for name in columns} for row in rows], schema=columns)


# Days -----------------------------------------------------------------------------------------------------------------


def calendar_options(desk: PlanDesk, groups: Iterable[Group]) -> list[Option]:
    """Return every day on which each group might be done; the day that a single plan was submitted for in any case."""
    return [option for group in groups for option in _options(desk, group)]


def _options(desk: PlanDesk, group: Group) -> Iterator[Option]:
    at = min(job.start.time() for job in group.jobs)
    spans = [_dates(desk, job) for job in group.jobs]
    first, last = max(span[0] for span in spans), min(span[1] for span in spans)
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    submitted = group.jobs[0].start.date() if len(group.jobs) == 1 else None
    if submitted is not None and submitted not in days:
        days.append(submitted)
    for day in days:
        start = datetime.combine(day, at)
        yield Option(group, start, _day_against(desk, group, start))


def _dates(desk: PlanDesk, job: Job) -> tuple[date, date]:
    """Return the first and the last day on which a plan may begin."""
    shift = timedelta(days=desk.rules.shift_days)
    earliest, latest = job.row["earliest_start"], job.row["latest_end"]
    first = (earliest or job.start - shift).date()
    last = (latest - timedelta(minutes=job.minutes) if latest else job.start + shift).date()
    return max(first, desk.as_of.date()), last


def _day_against(desk: PlanDesk, group: Group, start: datetime) -> str | None:
    end = start + timedelta(minutes=group.minutes)
    if desk.on_holiday(start, end):
        return HOLIDAY
    for other in desk.under_way:
        if other.needs_outage and start < other.row["end"] and group.outage.ways.shared(other.outage.ways):
            return SAME_WAYS
    for job in group.jobs:
        earliest, latest = job.row["earliest_start"], job.row["latest_end"]
        if start < desk.as_of or (earliest and start < earliest) or (latest and end > latest):
            return DATES
        told = job.row["notified_at"] if start == job.start else None
        if len(group.outage.touched) and (
            notice_of(start, told, job.is_temporary, desk.as_of, desk.statistics.settings).state == "late"
        ):
            return NOTICE
    return None


# What is said ---------------------------------------------------------------------------------------------------------


def calendar_choices(jobs: Sequence[Job], options: Sequence[Option]) -> list[Choice]:
    """Return options by the numbers of their jobs, with what they are judged by."""
    numbers = {job: at for at, job in enumerate(jobs)}
    return [
        Choice(
            tuple(numbers[job] for job in option.group.jobs),
            option.against is None,
            option.group.cost.user_minutes,
            option.group.cost.interruptions,
            option.moved_days,
        )
        for option in options
    ]


def _reasons(jobs: Sequence[Job], options: Sequence[Option], rules: Sequence[Rule]) -> Iterator[tuple[Job, Text]]:
    """Give each of some plans that have no day with the reason."""
    wanted = {(job.plan_id,) for job in jobs}
    alone: dict[str, list[int]] = defaultdict(list)
    for at, option in enumerate(options):
        if option.group.plan_ids in wanted:
            alone[option.group.plan_ids[0]].append(at)
    breaks = np.full(len(options), -1, dtype=np.int64)  # the first rule that each breaks by itself
    kinds = {rule.kind: np.zeros(len(options), dtype=np.bool_) for rule in rules}
    for at, rule in enumerate(rules):
        choices = rule.choices
        kinds[rule.kind][choices] = True
        broken = choices[rule.adds > rule.limit]
        breaks[broken[breaks[broken] < 0]] = at
    for job in jobs:
        days = alone[job.plan_id]
        against = [options[at].against or (rules[breaks[at]].kind if breaks[at] >= 0 else None) for at in days]
        free = next((at for at, reason in zip(days, against, strict=True) if reason is None), None)
        yield job, _why(against, [] if free is None else sorted(kind for kind, of in kinds.items() if of[free]))


def _why(against: Sequence[str | None], kinds: Sequence[str]) -> Text:
    """Say why a plan has no day: what forbids each of its days by itself, or that the others leave none.

    Args:
        against: what forbids each of its days by itself.
        kinds: of the rules over the first day that nothing forbids so.
    """
    if None in against:
        return text(
            "no day is left beside the other plans, under the rules: {rules}",
            rules=listed([REASONS[kind] for kind in kinds]),
        )
    counted = Counter(each for each in against if each is not None)
    if not counted:
        return text("there is no day between its earliest start and its latest end")
    days = [text("{count} × {reason}", count=count, reason=REASONS[kind]) for kind, count in counted.most_common()]
    return text("none of its {count} days is allowed: {reasons}", count=len(against), reasons=listed(days))


def _broken(options: Sequence[Option], rules: Sequence[Rule]) -> Iterator[Text]:
    """Give what the calendar breaks as it was submitted."""
    submitted = [
        at
        for at, option in enumerate(options)
        if len(option.group.jobs) == 1 and option.start == option.group.jobs[0].start
    ]
    for at in submitted:
        if (against := options[at].against) is not None:
            yield text("{plan}: {reason}", plan=options[at].group.plan_ids[0], reason=REASONS[against])
    yield from _over(rules, options, submitted)


def _over(rules: Sequence[Rule], options: Sequence[Option], chosen: Sequence[int]) -> Iterator[Text]:
    """Give each rule that some options together break, once for the same plans."""
    taken = np.zeros(len(options), dtype=np.bool_)
    taken[list(chosen)] = True
    told = set()
    for rule in rules:
        own = taken[rule.choices]
        used = float(rule.adds[own].sum())
        if used <= rule.limit + WITHIN:
            continue
        plans = tuple(sorted(plan for at in rule.choices[own].tolist() for plan in options[at].group.plan_ids))
        if (rule.kind, plans) not in told:
            told.add((rule.kind, plans))
            if rule.kind == SAME_WAYS:
                yield text("{rule}: {plans}", rule=rule.says, plans=", ".join(plans))
                continue
            yield text(
                "{rule}: {used:g} of at most {limit:g} by {plans}", rule=rule.says, used=round(used, 1),
                limit=round(rule.limit, 1), plans=", ".join(plans),
            )  # fmt: skip
